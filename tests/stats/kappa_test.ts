/** Cohen's kappa, against scikit-learn 1.9.1 (cohen_kappa_score) and statsmodels 0.15.0 (cohens_kappa). */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { studentTQuantile } from "../../lib/stats/distributions.ts";
import { cohenKappa } from "../../lib/stats/kappa.ts";

const pairs = (first: string, second: string, groups?: number[]) =>
  [...first].map((one, i) => ({
    first: one,
    second: second[i],
    group: String(groups?.[i] ?? i),
  }));

const y = (n: number) => "y".repeat(n), n = (k: number) => "n".repeat(k);

/** Labels, choices, kappa of scikit-learn, and statsmodels' std_kappa. */
const REFERENCE: [string, string, number, number][] = [
  [y(25) + n(25), y(20) + n(5) + y(10) + n(15), 0.4, 0.12699606293110033],
  [
    "accabcbccacabbcaacbccbbcaacacbcacaacabab",
    "abbabaaccacbbccaacaccbccaacbcbbabaaaabab",
    0.5488721804511278,
    0.10606838077886278,
  ],
  [
    "yyyyyyyyyyyyyyyyyyyynyyyyyyyyy",
    "yyyyyyyyyyyyyyyyynyynyyyyyyyyy",
    0.6511627906976745,
    0.3214294994189602,
  ],
  ["ynynynyn", "nynynyyn", -0.5, 0.30618621784789724],
];

Deno.test("kappa and its error are scikit-learn's and statsmodels'", () => {
  for (const [first, second, kappa, error] of REFERENCE) {
    const found = cohenKappa(pairs(first, second));
    assertAlmostEquals(found.kappa!, kappa, 1e-12);
    const { low, high } = found.estimate!;
    const size = first.length;
    const half = studentTQuantile(0.975, size - 1) * error * Math.sqrt(size / (size - 1));
    assertAlmostEquals(low, Math.max(-1, kappa - half), 1e-9);
    assertAlmostEquals(high, Math.min(1, kappa + half), 1e-9);
  }
});

Deno.test("kappa has no interval where nothing tells its error, and is unknown for one category", () => {
  const perfect = cohenKappa(pairs("yynn", "yynn"));
  assertEquals([perfect.kappa, perfect.estimate], [1, null]);
  const blind = cohenKappa(pairs("yyyynn", "yyyyyy")); // scikit-learn: 0.0; statsmodels: no error
  assertEquals([blind.kappa, blind.estimate], [0, null]);
  assertEquals(cohenKappa(pairs("yyyy", "yyyy")).kappa, null); // scikit-learn: nan
  assertEquals(cohenKappa([]), { n: 0, agreed: null, kappa: null, estimate: null });
});

Deno.test("answers to one problem go together: copies of each pair do not narrow the interval", () => {
  const [first, second] = REFERENCE[1];
  const single = cohenKappa(pairs(first, second));
  const four = [...Array(4)].flatMap(() => pairs(first, second));
  const copied = cohenKappa(four);
  assertAlmostEquals(copied.kappa!, single.kappa!, 1e-12);
  assertAlmostEquals(copied.estimate!.low, single.estimate!.low, 1e-12);
});
