/** Computes values of expressions in complex numbers, with principal branches. */

/** A complex number: real and imaginary part. */
export type Complex = readonly [number, number];

/** An expression: a number, a name, or an operation on expressions. */
export type Expression =
  /** `written` is the source text of a whole number or a decimal without a sign. */
  | { kind: "number"; value: number; written?: string }
  | { kind: "name"; name: string }
  | { kind: "call"; of: string; on: Expression[] };

const NOTHING: Complex = [NaN, NaN];
const add = (a: Complex, b: Complex): Complex => [a[0] + b[0], a[1] + b[1]];
const minus = (a: Complex, b: Complex): Complex => [a[0] - b[0], a[1] - b[1]];
const times = (a: Complex, b: Complex): Complex => [
  a[0] * b[0] - a[1] * b[1],
  a[0] * b[1] + a[1] * b[0],
];
const scaled = (a: Complex, by: number): Complex => [a[0] * by, a[1] * by];

function over(a: Complex, b: Complex): Complex {
  if (b[0] === 0 && b[1] === 0) return NOTHING;
  if (b[1] === 0) return [a[0] / b[0], a[1] / b[0]];
  const size = b[0] * b[0] + b[1] * b[1];
  return [(a[0] * b[0] + a[1] * b[1]) / size, (a[1] * b[0] - a[0] * b[1]) / size];
}

const exp = (a: Complex): Complex => [
  Math.exp(a[0]) * Math.cos(a[1]),
  Math.exp(a[0]) * Math.sin(a[1]),
];
const ln = (a: Complex): Complex => [Math.log(Math.hypot(...a)), Math.atan2(a[1], a[0])];

function power(a: Complex, b: Complex): Complex {
  if (b[1] === 0 && a[1] === 0) {
    const real = a[0] ** b[0];
    if (!Number.isNaN(real)) return [real, 0];
  }
  if (a[0] === 0 && a[1] === 0) return b[0] > 0 ? [0, 0] : NOTHING;
  if (b[1] === 0 && Number.isInteger(b[0]) && Math.abs(b[0]) <= 64) {
    let result: Complex = [1, 0];
    for (let i = 0; i < Math.abs(b[0]); i++) result = times(result, a);
    return b[0] < 0 ? over([1, 0], result) : result;
  }
  return exp(times(b, ln(a)));
}

const root = (a: Complex): Complex => power(a, [0.5, 0]);
const I: Complex = [0, 1], ONE: Complex = [1, 0];

const sin = (a: Complex): Complex =>
  a[1] === 0
    ? [Math.sin(a[0]), 0]
    : over(minus(exp(times(I, a)), exp(times(I, scaled(a, -1)))), [0, 2]);
const cos = (a: Complex): Complex =>
  a[1] === 0
    ? [Math.cos(a[0]), 0]
    : scaled(add(exp(times(I, a)), exp(times(I, scaled(a, -1)))), 0.5);
const sinh = (a: Complex): Complex => scaled(minus(exp(a), exp(scaled(a, -1))), 0.5);
const cosh = (a: Complex): Complex => scaled(add(exp(a), exp(scaled(a, -1))), 0.5);
const arcsin = (a: Complex): Complex =>
  times([0, -1], ln(add(times(I, a), root(minus(ONE, times(a, a))))));
const arctan = (a: Complex): Complex =>
  a[1] === 0
    ? [Math.atan(a[0]), 0]
    : times([0, 0.5], minus(ln(minus(ONE, times(I, a))), ln(add(ONE, times(I, a)))));

/** Lanczos' approximation of the gamma function (g = 7, nine terms), accurate to 15 digits. */
const LANCZOS = [
  0.99999999999980993,
  676.5203681218851,
  -1259.1392167224028,
  771.32342877765313,
  -176.61502916214059,
  12.507343278686905,
  -0.13857109526572012,
  9.9843695780195716e-6,
  1.5056327351493116e-7,
];

function gamma(x: number): number {
  if (x < 0.5) return Math.PI / (Math.sin(Math.PI * x) * gamma(1 - x));
  const t = x + 6.5;
  const sum = LANCZOS.reduce((sum, c, i) => i === 0 ? c : sum + c / (x - 1 + i));
  return Math.sqrt(2 * Math.PI) * t ** (x - 0.5) * Math.exp(-t) * sum;
}

function factorial([n, im]: Complex): Complex {
  if (im !== 0) return NOTHING;
  if (!Number.isInteger(n)) return [gamma(n + 1), 0];
  if (n < 0) return NOTHING;
  let product = 1;
  for (let i = 2; i <= Math.min(n, 171); i++) product *= i;
  return [product, 0];
}

const real = (f: (x: number) => number) => (a: Complex): Complex =>
  a[1] === 0 ? [f(a[0]), 0] : NOTHING;

/** Operations by name; each takes the number of values that it needs. */
const OPERATIONS: Record<string, (...on: Complex[]) => Complex> = {
  add,
  minus,
  times,
  over,
  power,
  negate: (a) => scaled(a, -1),
  root: (a, n) =>
    n === undefined
      ? root(a)
      : n[0] % 2 === 1 && a[0] < 0 && a[1] === 0
      ? [-((-a[0]) ** (1 / n[0])), 0]
      : power(a, over(ONE, n)),
  abs: (a) => [Math.hypot(...a), 0],
  floor: real((x) => Math.floor(x + 1e-12)),
  ceil: real((x) => Math.ceil(x - 1e-12)),
  factorial,
  binom: (n, k) => over(factorial(n), times(factorial(k), factorial(minus(n, k)))),
  exp,
  ln,
  log: (a, base) => base === undefined ? over(ln(a), [Math.LN10, 0]) : over(ln(a), ln(base)),
  sin,
  cos,
  tan: (a) => over(sin(a), cos(a)),
  cot: (a) => over(cos(a), sin(a)),
  sec: (a) => over(ONE, cos(a)),
  csc: (a) => over(ONE, sin(a)),
  arcsin,
  arccos: (a) => minus([Math.PI / 2, 0], arcsin(a)),
  arctan,
  arccot: (a) => minus([Math.PI / 2, 0], arctan(a)),
  sinh,
  cosh,
  tanh: (a) => over(sinh(a), cosh(a)),
  max: (...on) => [Math.max(...on.map(([x]) => x)), 0],
  min: (...on) => [Math.min(...on.map(([x]) => x)), 0],
};

/** Names that stand for a constant. */
const CONSTANTS: Record<string, Complex> = {
  e: [Math.E, 0],
  i: I,
  "\\pi": [Math.PI, 0],
  "\\infty": [Infinity, 0],
};

/** The value of an expression for given values of its names; NaN when it has none. */
export function valueOf(of: Expression, names: (name: string) => number): Complex {
  if (of.kind === "number") return [of.value, 0];
  if (of.kind === "name") return CONSTANTS[of.name] ?? [names(of.name), 0];
  return OPERATIONS[of.of]?.(...of.on.map((one) => valueOf(one, names))) ?? NOTHING;
}

/** The names in an expression that are not constants. */
export function namesIn(of: Expression): Set<string> {
  if (of.kind === "number") return new Set();
  if (of.kind === "name") return new Set(of.name in CONSTANTS ? [] : [of.name]);
  return new Set(of.on.flatMap((one) => [...namesIn(one)]));
}
