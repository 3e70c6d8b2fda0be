/** Marks that stand before each line of code and belong to none: of a diff, or numbers. */

const HEADER =
  /^(?:diff --git |index [0-9a-f]+\.\.|--- |\+\+\+ |@@|\*\*\* |\\ No newline|new file mode|deleted file|similarity |rename )/;
/** Headers that only a diff has. */
const CERTAIN = /^(?:diff --git |@@ |@@$|\+\+\+ \S|\*\*\* (?:Begin|Update|Add) )/m;
const NUMBERED = /^[ \t]*\[?(\d{1,5})(?:\]?[ \t]*[|:.)\u2502\u2503\u2192]|\]|(?=[ \t]|$))(.*)$/;
/** Lines that count up are numbers of lines only if there are so many. */
const FEWEST = 2;

/** What a diff leaves: the lines that it adds and those around them. Other text stays as it is. */
export function withoutDiff(text: string): string {
  if (!/^\+/m.test(text)) return text;
  const lines = text.split("\n");
  const all = lines.every((line) => line === "" || /^[-+ @\\]/.test(line) || HEADER.test(line));
  if (!all && !CERTAIN.test(text)) return text;
  return lines.filter((line) => !HEADER.test(line) && !line.startsWith("-"))
    .map((line) => /^[+ ]/.test(line) ? line.slice(1) : line).join("\n");
}

/** Text without the numbers of its lines, where they stand before lines that follow each other. */
export function withoutNumbers(text: string): string {
  if (!/^[ \t]*\[?\d/m.test(text)) return text;
  const out: string[] = [];
  let run: string[] = [];
  let plain: string[] = []; // the run's lines as they are
  let next = 0;
  const finish = () => {
    const many = run.filter((line) => line.trim()).length >= FEWEST;
    out.push(...many ? dedented(run) : plain);
    run = [];
    plain = [];
  };
  for (const line of text.split("\n")) {
    const found = NUMBERED.exec(line);
    const number = found ? Number(found[1]) : -1;
    if (run.length > 0 && line.trim() === "") {
      run.push("");
      plain.push(line);
      continue;
    }
    if (run.length > 0 && number !== next) finish();
    if (run.length === 0 && number !== 0 && number !== 1) {
      out.push(line);
      continue;
    }
    run.push(found![2]);
    plain.push(line);
    next = number + 1;
  }
  finish();
  return out.join("\n");
}

/** Lines without the white space that all of them begin with. */
function dedented(lines: readonly string[]): string[] {
  let common: string | null = null;
  for (const line of lines) {
    if (line.trim() === "") continue;
    const space: string = /^[ \t]*/.exec(line)![0];
    if (common === null) common = space;
    while (!space.startsWith(common)) common = common.slice(0, -1);
  }
  return lines.map((line) => line.slice(Math.min(common?.length ?? 0, line.length)));
}
