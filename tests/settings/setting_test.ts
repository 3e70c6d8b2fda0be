/** What is made of a setting's one declaration: flag, help, default, JSON Schema, complaint. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { z } from "zod";
import { flagHelp, parseFlags } from "../../lib/cli/ui/flags.ts";
import { flagsOf, settingsIn } from "../../lib/cli/ui/setting_flags.ts";
import { InputError } from "../../lib/errors.ts";
import { loadSettingsSchema, settleLoad } from "../../lib/settings/load.ts";
import {
  about,
  asGiven,
  checked,
  checkSettings,
  jsonSchemaOf,
  seconds,
} from "../../lib/settings/setting.ts";

const settings = z.strictObject({
  pause_s: seconds({ named: true }).default(30).register(about, {
    help: "between them",
    short: "p",
  }),
  patience: seconds({ above: true }).default(600).register(about, { help: "for one" }),
  share: z.number().gt(0).max(1).optional().register(about, {
    help: "of them",
    placeholder: "SHARE",
  }),
  streamed: z.boolean().default(true).register(about, { help: "whether", off: "whole" }),
  again: z.boolean().default(false).register(about, { help: "once more" }),
  workers: z.union([z.int().min(1), z.literal("auto")]).optional().register(about, {
    help: "at a time",
  }),
  names: z.array(z.string()).optional().register(about, { help: "only these", flag: "name" }),
  rules: z.array(z.string()).optional().register(about, { help: "rules", whole: true }),
  headers: z.record(z.string(), z.string()).optional().register(about, {
    help: "more",
    flag: "header",
  }),
  parts: z.array(z.strictObject({ rate: z.number() })).optional(),
});
const given = (...argv: string[]) =>
  settingsIn(settings, parseFlags(flagsOf(settings), argv).values);
const refusal = (...argv: string[]) => assertThrows(() => given(...argv), InputError).message;

Deno.test("flags give settings under their names, in the settings' units", () => {
  assertEquals(given(), {});
  assertEquals(given("--pause", "500ms", "--patience=10m"), { pause_s: 0.5, patience: 600 });
  for (const argv of [["-p", "2"], ["-p2"], ["-p=2s"], ["-p2000ms"]]) {
    assertEquals(given(...argv), { pause_s: 2 }, `${argv}`);
  }
  assertEquals(given("--no-streamed", "--again"), { streamed: false, again: true });
  assertEquals([given("--workers", "auto"), given("--workers", "3")], [{ workers: "auto" }, {
    workers: 3,
  }]);
  assertEquals(given("--name", "a, b", "--name=c", "--rules", "a,b"), {
    names: ["a", "b", "c"],
    rules: ["a,b"],
  });
  assertEquals(given("--header", "A: 1", "--header", "B:2"), { headers: { a: "1", b: "2" } });
});

Deno.test("a wrong value is told with what is expected, a slip of units is asked about", () => {
  assertStringIncludes(refusal("--share", "2"), "expected a number above 0 to 1");
  assertStringIncludes(refusal("--workers", "0"), 'expected a whole number, at least 1, or "auto"');
  assertStringIncludes(refusal("--pause", "soon"), "expected a time such as 500ms");
  for (const flag of ["--pause", "--patience"]) {
    assertStringIncludes(refusal(flag, "5000"), "ms meant?");
  }
  assertEquals(given("--patience", "5000ms", "--pause", "5000s"), { patience: 5, pause_s: 5000 });
  assertStringIncludes(refusal("--patience", "0"), "above 0");
  assert(!refusal("--header", "secret").includes("secret:"));
});

Deno.test("files take the same forms, and a number where the name tells the unit", () => {
  const value = (each: object) => checkSettings(settings, each, "file");
  assertEquals([value({ pause_s: 5000 }).pause_s, value({ pause_s: "10m" }).pause_s], [5000, 600]);
  assertThrows(() => value({ patience: 5000 }), InputError, "ms meant?");
  assertThrows(() => value({ streemed: true }), InputError, 'did you mean "streamed"');
  assertThrows(() => value({ parts: [{ rat: 1 }] }), InputError, 'file.parts.0.rat: "rat" is not');
});

Deno.test("a default is one value: in the help, in JSON Schema, and where nothing is said", () => {
  const help = flagHelp(flagsOf(settings)).join("\n");
  assertStringIncludes(help, "--pause, -p TIME");
  assertStringIncludes(help, "between them (30s)");
  assertStringIncludes(help, "--no-streamed");
  for (const schema of [settings, asGiven(settings)]) {
    const { properties } = jsonSchemaOf(schema) as {
      properties: Record<string, { default?: unknown }>;
    };
    assertEquals([properties.pause_s.default, properties.streamed.default], [30, true]);
  }
  assertEquals(checked(asGiven(settings), {}), { value: {} });
  assertEquals(settings.parse({}).pause_s, 30);
});

Deno.test("every setting of a load can be given as a flag, and its help tells its default", () => {
  const flags = flagsOf(loadSettingsSchema);
  assertEquals(Object.keys(flags), Object.keys(loadSettingsSchema.shape));
  const help = flagHelp(flags).join("\n").replace(/\s+/g, " ");
  for (const [name, value] of Object.entries(settleLoad({}))) {
    if (typeof value === "boolean") continue;
    const [, line] = help.split(`--${flags[name as keyof typeof flags].name}`);
    assert(/\(.*\)/.exec(line.split(" --")[0])?.[0].includes(String(value)), `${name}: ${line}`);
  }
});
