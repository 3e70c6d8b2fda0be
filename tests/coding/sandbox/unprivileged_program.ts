/** Opens a sandbox and runs two programs in it: started by a test as a user without rights. */
import process from "node:process";
import { Sandbox } from "../../../lib/coding/sandbox/sandbox.ts";

await using sandbox = await Sandbox.open({ sandbox: "bubblewrap", workers: 1 });
const limits = { timeout_s: 20, memory_bytes: 256 << 20 };
const test = "def check(candidate):\n    assert candidate(2) == 4\n";
const code =
  `import os, socket\n\ndef double(x):\n    print(os.getuid(), os.path.exists("/root"))\n` +
  `    try:\n        socket.create_connection(("127.0.0.1", 1), 1)\n    except OSError as error:\n` +
  `        print(error.errno)\n    return 2 * x\n`;
const program = { code, entry_point: "double", test, form: "check" as const, ...limits };
const right = await sandbox.run(program);
const left = await sandbox.run({ ...program, code: "import os\nos._exit(0)\n" });
process.stdout.write(JSON.stringify({
  uid: process.getuid!(),
  description: sandbox.description,
  ends: [right.class, left.class],
  stdout: right.stdout,
}));
