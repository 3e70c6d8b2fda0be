/**
 * A separate program for Deno: one side of a trial in Pyodide, CPython in WebAssembly. It may read only
 * Pyodide's folder and its snapshot; its standard streams are the channel, like those of a python3.
 *
 * Arguments: Pyodide's folder as a URL, the path of a snapshot of Python after its start (which takes a
 * tenth of the time of a start), and the length of the Python program, which it reads first. With only
 * the folder, it runs all that it reads, and then writes a snapshot.
 */
const { args, stdin, stdout, stderr, exit, readFileSync } = Deno;
const [folder, snapshotPath, programBytes] = args;

const PAGE_BYTES = 65_536;
const GONE = [
  ...["Deno", "process", "Buffer", "global", "nodeBootstrap", "navigator", "fetch", "Worker"],
  ...["WebSocket", "EventSource", "BroadcastChannel", "localStorage", "sessionStorage", "Storage"],
  ...["caches", "CacheStorage", "prompt", "alert", "confirm", "close"],
];
const WITHOUT_JAVASCRIPT = `
import sys
gone = ("js", "pyodide", "pyodide_js", "_pyodide", "_pyodide_core")
for name in list(sys.modules) + list(gone):
    if name.split(".")[0] in gone:
        sys.modules[name] = None
for each in sys.meta_path:
    if type(each).__name__ == "JsFinder":
        each.jsproxies.clear()
sys.meta_path[:] = [each for each in sys.meta_path if type(each).__name__ != "JsFinder"]
del sys, name, gone, each
`;

let left = new Uint8Array();
let memoryLimit_bytes = Infinity;

function read(most: number): Uint8Array {
  if (left.length === 0) {
    const buffer = new Uint8Array(65_536);
    const n = stdin.readSync(buffer);
    if (n === null) return exit(0);
    left = buffer.subarray(0, n);
  }
  const taken = left.subarray(0, most);
  left = left.subarray(most);
  return taken;
}

function readExactly(bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  for (let at = 0; at < bytes;) {
    const part = read(bytes - at);
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The task, as a line. Its memory limit applies from here on; Python reads it again. */
function takeTask(): void {
  const parts: Uint8Array[] = [];
  do parts.push(read(65_536)); while (!parts[parts.length - 1].includes(10));
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  const line = new TextDecoder().decode(whole.subarray(0, whole.indexOf(10)));
  memoryLimit_bytes = JSON.parse(line).limits?.rlimits?.AS ?? Infinity;
  const rest = left;
  left = new Uint8Array(whole.length + rest.length);
  left.set(whole);
  left.set(rest, whole.length);
}

const grow = WebAssembly.Memory.prototype.grow;
WebAssembly.Memory.prototype.grow = function (pages: number) {
  if (this.buffer.byteLength + pages * PAGE_BYTES > memoryLimit_bytes) throw new RangeError();
  return grow.call(this, pages);
};

function writer(stream: { writeSync(bytes: Uint8Array): number }) {
  return {
    write: (bytes: Uint8Array) => {
      for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
      return bytes.length;
    },
    isatty: false,
  };
}

const settings = {
  indexURL: decodeURIComponent(new URL(folder).pathname),
  env: { HOME: "/tmp", PYTHONHASHSEED: "0", LANG: "C.UTF-8" },
};
const { loadPyodide } = await import(`${folder}pyodide.mjs`);
if (snapshotPath === undefined) {
  const fresh = await loadPyodide({ ...settings, _makeSnapshot: true });
  fresh.runPython(await new Response(stdin.readable).text());
  writer(stdout).write(fresh.makeMemorySnapshot());
  exit(0);
}
const program = new TextDecoder().decode(readExactly(Number(programBytes)));
const python = await loadPyodide({ ...settings, _loadSnapshot: readFileSync(snapshotPath) });
python.setStdout(writer(stdout));
python.setStderr(writer(stderr));
python.setStdin({
  read: (buffer: Uint8Array) => {
    const bytes = read(buffer.length);
    buffer.set(bytes);
    return bytes.length;
  },
  isatty: false,
});
// A program can get access to JavaScript, so this process's permissions are what protects the host.
// They do not cover storage, which Deno keeps on the disk.
python.runPython(WITHOUT_JAVASCRIPT);
for (const name of GONE) Reflect.deleteProperty(globalThis, name);
Object.assign(globalThis, { process: { exit, exitCode: 0 } }); // for os._exit
takeTask();
try {
  python.runPython(program);
} catch (error) {
  const { status } = error as { status?: number };
  if (status === undefined) writer(stderr).write(new TextEncoder().encode(`${error}\n`));
  exit(status ?? 1);
}
