/** The python3 on PATH: its real location, and the parts of the disk that it needs to see. */
import { InputError, messageOf } from "../../errors.ts";
import { ENVIRONMENT } from "./bubblewrap.ts";
import { programOutput } from "./program_output.ts";
import { CANDIDATE } from "./python_candidate.ts";
import { CHECKS } from "./python_checks.ts";
import { CHANNEL } from "./python_channel.ts";
import { IDENTITY } from "./python_identity.ts";
import { JUDGE } from "./python_judge.ts";
import { NAMES } from "./python_names.ts";
import { OBJECTS } from "./python_objects.ts";
import { REQUESTS } from "./python_requests.ts";
import { STATE } from "./python_state.ts";
import { TRUST } from "./python_trust.ts";
import { VALUES } from "./python_values.ts";

/**
 * Reads one line with the program's text, its file and its command, then a line for each input. Replies
 * to each with the exit code and both outputs. It never sees an expected output.
 */
const RUNNER = String.raw`
def pack_other(v, t):
    raise TypeError(t.__name__)

def main():
    import subprocess
    came, goes = channel()
    task = loads(next(came))
    limit(task["limits"])
    write_all(goes, b"up\n")
    with open(task["file"], "w", encoding="utf-8", errors="surrogatepass") as file:
        file.write(task["code"])
    for line in came:
        try:
            ran = subprocess.run(task["command"], input=loads(line).encode("utf-8"),
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            reply = {
                "code": ran.returncode,
                "out": ran.stdout.decode("utf-8", "replace"),
                "err": ran.stderr[-2000:].decode("utf-8", "replace"),
            }
        except OSError as error:
            reply = {"failed": str(error)}
        write_all(goes, dumps(reply).encode() + b"\n")

main()
`;

/** A Python interpreter, and our programs in the form that it reads. */
export interface Interpreter {
  /** The binary itself, not a shim or a virtual environment's link. */
  path: string;
  /** The arguments that start it, without the last one, a program's length. */
  command: string[];
  env: Record<string, string>;
  /** Resident memory that the interpreter itself needs. */
  overhead_bytes: number;
  version: string;
  /** Its binary and shared libraries, its library and its packages, except those below /usr. */
  folders: string[];
  /** The folders of its installed packages, searched after the standard library. */
  packages: string[];
  candidate: Uint8Array;
  judge: Uint8Array;
  /** Runs programs in other languages; null when it cannot. */
  runner: Uint8Array | null;
}

/** Reads a program from standard input, so that no part of it is on a disk. */
const LOADER = `import sys,marshal,posix as os
n=int(sys.argv[1]);b=b""
while len(b)<n:
 r=os.read(0,n-len(b))
 if not r: os._exit(0)
 b+=r
exec(marshal.loads(b),{"__name__":"dyno"})`;

const OLDEST = [3, 8];

/** Prints the fields of {@linkcode Interpreter}; includes a virtual environment's packages. */
const PROBE = String.raw`
import sys, os, json, base64, marshal, sysconfig
real = os.path.realpath
sources = json.load(sys.stdin)
path = real(getattr(sys, "_base_executable", None) or sys.executable)
paths = sysconfig.get_paths()
packages = []
for p in [paths["purelib"], paths["platlib"]] + sys.path:
    if p.endswith(("site-packages", "dist-packages")) and os.path.isdir(p) and p not in packages:
        packages.append(p)
system = ("/usr/", "/lib", "/bin/")
wanted = [paths["stdlib"], paths["platstdlib"], *packages, path]
for name in ("_ssl", "_ctypes", "_sqlite3", "_hashlib", "_bz2", "_lzma", "zlib", "_decimal", "pyexpat"):
    try:
        __import__(name)
    except Exception:
        pass
# shared libraries of its own, under every name that they are looked for by
for line in open("/proc/self/maps") if os.path.exists("/proc/self/maps") else ():
    lib = line.split(None, 5)[-1].strip()
    if ".so" in lib and lib.startswith("/") and not lib.startswith(system) and os.path.exists(lib):
        top = os.path.dirname(lib)
        wanted += [os.path.join(top, n) for n in os.listdir(top) if real(os.path.join(top, n)) == lib]
kept = []
for f in sorted({g for f in wanted for g in (f, real(f))}):
    if f.startswith(system) or not os.path.exists(f) or any(f.startswith(k + "/") for k in kept):
        continue
    kept.append(f)
if path.startswith("/nix/store/"):
    kept.append("/nix/store")
print(json.dumps({
    "path": path, "version": list(sys.version_info[:3]), "folders": kept, "packages": packages,
    "programs": [base64.b64encode(marshal.dumps(compile(s, n, "exec", 0, True, 2))).decode() for n, s in sources],
}))
`;

/**
 * Asks a Python for its location; follows pyenv's shims and virtual environments.
 * @param command a program's name on PATH, or its path.
 * @throws {InputError} it does not exist, or is older than 3.8.
 */
export async function findInterpreter(command = "python3"): Promise<Interpreter> {
  const programs = {
    judge: VALUES + IDENTITY + OBJECTS + REQUESTS + STATE + CHECKS + TRUST + NAMES + JUDGE,
    candidate: VALUES + IDENTITY + OBJECTS + REQUESTS + STATE + CANDIDATE,
    runner: RUNNER,
  };
  const sources = Object.entries(programs).map(([name, source]) => [name, CHANNEL + source]);
  let said: string;
  try {
    said = await programOutput([command, "-B", "-s", "-c", PROBE], JSON.stringify(sources));
  } catch (error) {
    throw new InputError(
      `sandbox: ${command} does not run (${messageOf(error).trim().split("\n").at(-1)}); ` +
        `coding tests need a Python from ${OLDEST.join(".")} (Debian: apt-get install python3)`,
    );
  }
  const { path, version, folders, packages, programs: compiled } = JSON.parse(said);
  if (version[0] !== 3 || version[1] < OLDEST[1]) {
    throw new InputError(
      `sandbox: ${command} is Python ${version.join(".")}; coding tests need ${OLDEST.join(".")}`,
    );
  }
  const [judge, candidate, runner] = compiled.map((text: string) =>
    Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
  );
  return {
    path,
    command: [path, "-s", "-S", "-B", "-c", LOADER],
    env: ENVIRONMENT,
    overhead_bytes: 0,
    version: version.join("."),
    folders,
    packages,
    judge,
    candidate,
    runner,
  };
}
