/** JUnit's XML, as CI systems read it (the schema of Jenkins' junit-10.xsd). */

/** One test case; without an outcome it has passed. */
export interface JUnitCase {
  classname: string;
  name: string;
  outcome?: { tag: "failure" | "error" | "skipped"; message: string };
}

/** A file with one suite. */
export function junitXml(suite: string, cases: readonly JUnitCase[]): string {
  const count = (tag: string) => cases.filter(({ outcome }) => outcome?.tag === tag).length;
  const head = `name="${escaped(suite)}" tests="${cases.length}" failures="${
    count("failure")
  }" errors="${count("error")}" skipped="${count("skipped")}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    "<testsuites>",
    `  <testsuite ${head}>`,
    ...cases.map((each) => `    ${testCase(each)}`),
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

function testCase({ classname, name, outcome }: JUnitCase): string {
  const head = `<testcase classname="${escaped(classname)}" name="${escaped(name)}"`;
  if (outcome === undefined) return `${head}/>`;
  return `${head}><${outcome.tag} message="${escaped(outcome.message)}"/></testcase>`;
}

function escaped(text: string): string {
  const entities: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
  };
  return text
    // deno-lint-ignore no-control-regex
    .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "\ufffd") // characters that XML 1.0 cannot contain
    .replace(/[&<>"]/g, (letter) => entities[letter])
    .replace(/[\n\r\t]/g, " ");
}
