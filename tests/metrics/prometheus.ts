/** A real Prometheus and its promtool, for the tests. */
import { join } from "@std/path";

/** Where a program lies; null where it is not installed. */
function program(name: string): string | null {
  for (const folder of (Deno.env.get("PATH") ?? "").split(":")) {
    const path = join(folder, name);
    try {
      if (Deno.statSync(path).isFile) return path;
    } catch { /* not here */ }
  }
  return null;
}

export const promtool = () => program("promtool");
export const prometheus = () => program("prometheus");

/** What `promtool check metrics` complains of; empty when all is well. */
export async function checkMetrics(text: string): Promise<string> {
  const child = new Deno.Command(promtool()!, {
    args: ["check", "metrics"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  return code === 0 ? said : `exit code ${code}: ${said}`;
}
