#!/bin/sh
# dyno quickstart in a fresh clone: fetches what it uses (quickstart.lock) and nothing else, which
# `deno task` cannot, as it begins with every library of deno.json.
export INIT_CWD="${INIT_CWD:-$PWD}" # where runs go: main.ts returns there
cd "$(dirname "$0")/.." || exit 2
echo "quickstart: a suite, a load and a sweep on the built-in mock endpoint (the first time, the libraries for it are fetched)" >&2
if command -v deno > /dev/null; then deno="deno"; else deno="npx -y deno@2.9.6"; fi
exec $deno run -A -q --lock=quickstart.lock --unstable-lazy-dynamic-imports \
  --v8-flags=--max-semi-space-size=2,--heap-growing-percent=30 main.ts quickstart "$@"
