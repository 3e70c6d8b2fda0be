/**
 * Distribution functions in double precision. Tails have a relative error below 1e-10, so that small
 * p-values can be compared.
 */

const LN_SQRT_2PI = 0.9189385332046728;
const SQRT_2PI = 2.5066282746310002;
/** Above this, the asymptotic series of the gamma function is exact in double precision. */
const STIRLING_FROM = 16;
/** B₂ₖ / (2k·(2k−1)) for k = 1 to 8, where B₂ₖ are the Bernoulli numbers. */
const STIRLING = [
  1 / 12,
  -1 / 360,
  1 / 1260,
  -1 / 1680,
  1 / 1188,
  -691 / 360360,
  1 / 156,
  -3617 / 122400,
];
/** From here on the normal tail is computed by its continued fraction, with this many terms. */
const TAIL_FROM = 2.5;
const TAIL_TERMS = 120;
const MOST_FRACTION_TERMS = 200_000;
const EPSILON = 1e-16;
const TINY = 1e-300;

/**
 * ln Γ(x) for x > 0: Stirling's series (NIST DLMF 5.11.1), after Γ(x) = Γ(x+1)/x has raised x. The error
 * is about 1e-15 of the larger of 1 and the result.
 */
export function logGamma(x: number): number {
  if (!(x > 0)) throw new RangeError(`logGamma is for numbers above 0, not ${x}`);
  let product = 1;
  let lifted = x;
  for (; lifted < STIRLING_FROM; lifted++) product *= lifted;
  return (lifted - 0.5) * Math.log(lifted) - lifted + LN_SQRT_2PI + stirlingSeries(lifted) -
    Math.log(product);
}

/** The standard normal density. */
function normalDensity(z: number): number {
  return Math.exp(-z * z / 2) / SQRT_2PI;
}

/**
 * The standard normal distribution function Φ(z): around 0 by the series ½ + φ(z)·(z + z³/3 + z⁵/15 + …)
 * (DLMF 7.6.2), in the tails by Laplace's continued fraction (DLMF 7.9.1).
 */
export function normalCdf(z: number): number {
  if (Number.isNaN(z)) throw new RangeError("normalCdf is for numbers");
  if (Math.abs(z) < TAIL_FROM) {
    let term = z;
    let sum = z;
    for (let k = 3; Math.abs(term) > EPSILON * Math.abs(sum); k += 2) {
      term *= z * z / k;
      sum += term;
    }
    return 0.5 + normalDensity(z) * sum;
  }
  const x = Math.abs(z);
  let fraction = x;
  for (let k = TAIL_TERMS; k >= 1; k--) fraction = x + k / fraction;
  const tail = normalDensity(x) / fraction;
  return z < 0 ? tail : 1 - tail;
}

/**
 * The z with Φ(z) = p for 0 < p < 1: a rational first approximation (Abramowitz & Stegun 26.2.23), then
 * Halley's steps. Above ½ it is as exact as 1 − p is.
 */
export function normalQuantile(p: number): number {
  mustBeInside(p, "normalQuantile");
  if (p === 0.5) return 0;
  if (p > 0.5) return -normalQuantile(1 - p);
  const t = Math.sqrt(-2 * Math.log(p));
  let z = (2.515517 + t * (0.802853 + t * 0.010328)) /
      (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))) - t;
  for (let step = 0; step < 3; step++) {
    const newton = (normalCdf(z) - p) / normalDensity(z);
    z -= newton / (1 + z * newton / 2);
  }
  return z;
}

/**
 * The regularised incomplete beta function I_x(a, b) for a, b > 0 and 0 ≤ x ≤ 1: the continued fraction
 * DLMF 8.17.22, with its factor computed by Loader's saddle point.
 *
 * @param complement 1 − x, for callers that know it more exactly.
 */
export function incompleteBeta(a: number, b: number, x: number, complement = 1 - x): number {
  if (!(a > 0 && b > 0 && x >= 0 && complement >= 0)) {
    throw new RangeError(`incompleteBeta has no value at (${a}, ${b}, ${x})`);
  }
  if (x === 0) return 0;
  if (complement === 0) return 1;
  const lower = x <= (a + 1) / (a + b + 2);
  const part = lower ? betaTail(a, b, x, complement) : betaTail(b, a, complement, x);
  return lower ? part : 1 - part;
}

/**
 * The t at which the distribution function is p, 0 < p < 1: Newton's steps on ln(tail) as a function of
 * ln t, which is nearly straight.
 */
export function studentTQuantile(p: number, df: number): number {
  mustBeInside(p, "studentTQuantile");
  if (!(df > 0)) throw new RangeError(`no t distribution with ${df} degrees of freedom`);
  if (p === 0.5) return 0;
  if (p > 0.5) return -studentTQuantile(1 - p, df);
  const scale = Math.exp(logGamma((df + 1) / 2) - logGamma(df / 2)) / Math.sqrt(Math.PI * df);
  let t = -normalQuantile(p);
  for (let step = 0; step < 200; step++) {
    const tail = studentTTail(t, df);
    const density = scale * Math.exp(-(df + 1) / 2 * Math.log1p(t * t / df));
    const move = Math.log(tail / p) * tail / (t * density);
    t *= Math.exp(Math.max(-2, Math.min(20, move)));
    if (Math.abs(move) < 1e-14) break;
  }
  return -t;
}

/** P(X = k) of a binomial X with n trials: C. Loader's saddle point (2000), exact in the tails. */
export function binomialProbability(k: number, n: number, p: number): number {
  mustBeBinomial(k, n, p);
  if (k < 0 || k > n) return 0;
  if (p === 0 || k === 0) return k === 0 ? Math.exp(n * Math.log1p(-p)) : 0;
  if (p === 1 || k === n) return k === n ? p ** n : 0;
  return saddlePoint(k, n - k, p, 1 - p);
}

/** P(X ≤ k) of a binomial X with n trials: I_{1−p}(n − k, k + 1) (DLMF 8.17.5). */
export function binomialCdf(k: number, n: number, p: number): number {
  mustBeBinomial(k, n, p);
  if (k < 0) return 0;
  return k >= n ? 1 : incompleteBeta(n - k, k + 1, 1 - p, p);
}

/** P(X ≥ k) of a binomial X with n trials: I_p(k, n − k + 1) (DLMF 8.17.5). */
export function binomialTail(k: number, n: number, p: number): number {
  mustBeBinomial(k, n, p);
  if (k <= 0) return 1;
  return k > n ? 0 : incompleteBeta(k, n - k + 1, p, 1 - p);
}

/** P(T > t) for t ≥ 0. */
export function studentTTail(t: number, df: number): number {
  if (t === Infinity) return 0;
  const ratio = t * t / df;
  return incompleteBeta(df / 2, 0.5, 1 / (1 + ratio), ratio / (1 + ratio)) / 2;
}

/** I_x(a, b) below the mean, where the fraction converges fast, by Lentz's method. */
function betaTail(a: number, b: number, x: number, y: number): number {
  let c = 1;
  let d = 1 / notZero(1 - (a + b) * x / (a + 1));
  let fraction = d;
  for (let m = 1; m < MOST_FRACTION_TERMS; m++) {
    const even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / notZero(1 + even * d);
    c = notZero(1 + even / c);
    fraction *= c * d;
    const odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / notZero(1 + odd * d);
    c = notZero(1 + odd / c);
    fraction *= c * d;
    if (Math.abs(c * d - 1) < 4 * EPSILON) break;
  }
  // x^a·y^b / (a·B(a, b)) = b/(a + b) · Γ(a+b+1)/(Γ(a+1)Γ(b+1))·x^a·y^b
  return saddlePoint(a, b, x, y) * b / (a + b) * fraction;
}

/** Γ(a+b+1)/(Γ(a+1)Γ(b+1))·x^a·y^b without the loss of precision of large logarithms (Loader, 2000). */
function saddlePoint(a: number, b: number, x: number, y: number): number {
  const n = a + b;
  const exponent = stirlingError(n) - stirlingError(a) - stirlingError(b) - deviance(a, n * x) -
    deviance(b, n * y);
  return Math.exp(exponent) * Math.sqrt(n / (a * b)) / SQRT_2PI;
}

/** x·ln(x/m) + m − x, by a series when x is near m. */
function deviance(x: number, m: number): number {
  if (Math.abs(x - m) >= 0.1 * (x + m)) return x * Math.log(x / m) + m - x;
  const v = (x - m) / (x + m);
  let sum = (x - m) * v;
  let term = 2 * x * v;
  for (let k = 3;; k += 2) {
    term *= v * v;
    const next = sum + term / k;
    if (next === sum) return sum;
    sum = next;
  }
}

/** ln Γ(x+1) − ln(√(2πx)·(x/e)^x). */
function stirlingError(x: number): number {
  if (x >= STIRLING_FROM) return stirlingSeries(x);
  return logGamma(x + 1) - (x + 0.5) * Math.log(x) + x - LN_SQRT_2PI;
}

function stirlingSeries(x: number): number {
  let sum = 0;
  for (let k = STIRLING.length - 1; k >= 0; k--) sum = sum / (x * x) + STIRLING[k];
  return sum / x;
}

const notZero = (value: number) => Math.abs(value) < TINY ? TINY : value;

function mustBeInside(p: number, name: string): void {
  if (!(p > 0 && p < 1)) throw new RangeError(`${name} is for probabilities within 0 and 1: ${p}`);
}

function mustBeBinomial(k: number, n: number, p: number): void {
  if (!Number.isInteger(k) || !Number.isInteger(n) || n < 0 || !(p >= 0 && p <= 1)) {
    throw new RangeError(`no binomial distribution at k = ${k}, n = ${n}, p = ${p}`);
  }
}
