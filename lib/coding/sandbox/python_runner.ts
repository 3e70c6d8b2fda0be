/** Python: the side that runs a program of another language on given inputs. */

/**
 * Reads one line with the program's text, its file and its command, then a line for each input;
 * answers each with the exit code and both outputs. It never sees an expected output.
 */
export const RUNNER = String.raw`
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
