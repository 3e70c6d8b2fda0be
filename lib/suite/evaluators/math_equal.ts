/**
 * Decides whether two pieces of mathematics mean the same.
 *
 * It uses no computer algebra from npm. @cortex-js/compute-engine 0.27.0, which reads LaTeX, was tried on
 * the first 476 pairs of tests/fixtures/evaluators/math.jsonl, with the same results taken from the
 * answers (resultIn): 352 right verdicts and 9 false passes, in 530 kB of minified code. This code has
 * all of them right (468 as math_verify 0.9.0 judges, 8 where that is wrong) in 35 kB of source.
 * Comparing values at points needs no simplification, whose time is unbounded.
 */
import { exactly, isRounded, shareApart } from "./math_exact.ts";
import { type Complex, type Expression, namesIn, valueOf } from "./math_value.ts";
import type { Mathematics } from "./math_parse.ts";

/**
 * The number of points at which expressions with variables are compared, and how many of them must have a
 * value.
 */
const POINTS = 12, LEAST = 4;
/** Two numbers that agree to six decimals are equal, because answers are rounded. */
const SAME = 5e-7, SAME_SHARE = 1e-6;

type Pair = { smaller: Mathematics; larger: Mathematics; sign: string };

/**
 * Whether an answer has the expected meaning: expressions whose values agree wherever they have one
 * (compared at points, where two different expressions agree with a chance of 1 in millions), sets in any
 * order, tuples and intervals in order, equations with the same solutions up to a constant factor. `x =
 * 5` matches 5, and 5 matches `x = 5`; a percentage may be a number or a share.
 */
export function sameMathematics(expected: Mathematics, answer: Mathematics): boolean {
  const [a, b] = [settled(expected), settled(answer)];
  if (a.kind === "relation" && b.kind === "relation") return sameRelation(a, b);
  if (a.kind === "relation") {
    return sameMathematics(resultOf(a) ?? a.sides.at(-1)!, b) || sameInterval(a, b);
  }
  if (b.kind === "relation") return sameMathematics(a, resultOf(b) ?? b.sides.at(-1)!);
  if (a.kind === "several" || b.kind === "several") return sameSeveral(a, b);
  if (a.kind === "expression" && b.kind === "expression") {
    if (sameExpression(a.of, b.of)) return true;
    return a.percent !== b.percent &&
      (a.percent ? sameExpression(share(a.of), b.of) : sameExpression(a.of, share(b.of)));
  }
  if (a.kind === "bracketed" && b.kind === "bracketed") {
    return a.left === b.left && a.right === b.right && sameInOrder(a.of, b.of);
  }
  if (a.kind === "joined" && b.kind === "joined") {
    return a.by === b.by && (a.by === "∖" ? sameInOrder(a.of, b.of) : sameInAnyOrder(a.of, b.of));
  }
  if (a.kind === "matrix" && b.kind === "matrix") {
    return a.rows.length === b.rows.length &&
      a.rows.every((row, i) =>
        row.length === b.rows[i].length &&
        row.every((cell, j) => sameExpression(cell, b.rows[i][j]))
      );
  }
  return a.kind === "words" && b.kind === "words" && a.text === b.text;
}

const share = (of: Expression): Expression => ({
  kind: "call",
  of: "over",
  on: [of, { kind: "number", value: 100 }],
});

/** An interval without some numbers is the union of the intervals between them. */
function withoutPoints(of: Mathematics & { kind: "joined" }): Mathematics {
  const [whole, taken] = of.of.map(settled);
  if (of.by !== "∖" || whole.kind !== "bracketed" || whole.of.length !== 2) return of;
  const points = (taken.kind === "several" ? taken.of : [taken]).map((point) => ({
    point,
    value: point.kind === "expression" ? valueOf(point.of, () => NaN)[0] : NaN,
  })).sort((a, b) => a.value - b.value);
  if (points.some(({ value }) => !Number.isFinite(value))) return of;
  const ends = [whole.of[0], ...points.map(({ point }) => point), whole.of[1]];
  const parts = ends.slice(1).map((end, i): Mathematics => ({
    kind: "bracketed",
    left: i === 0 ? whole.left : "(",
    right: i === points.length ? whole.right : ")",
    of: [ends[i], end],
  }));
  return { kind: "joined", by: "∪", of: parts };
}

/** `±` stands for two values; a list of one item is the item. */
function settled(of: Mathematics): Mathematics {
  if (of.kind === "joined") return withoutPoints(of);
  if (of.kind === "expression") {
    const values = signed(of.of);
    if (values.length === 1) return of;
    return { kind: "several", of: values.map((value) => ({ ...of, of: value })) };
  }
  if (of.kind === "relation" && of.signs.length === 1 && of.signs[0] === "=") {
    const right = settled(of.sides[1]);
    if (right.kind === "several" && of.sides[1].kind === "expression") return right;
  }
  if (of.kind === "several") {
    const flat = of.of.map(settled).flatMap((one) => one.kind === "several" ? one.of : [one]);
    return flat.length === 1 ? flat[0] : { ...of, of: flat };
  }
  return of;
}

function signed(of: Expression): Expression[] {
  if (!has(of, "either")) return [of];
  const chosen = (one: Expression, sign: number): Expression => {
    if (one.kind !== "call") return one;
    if (one.of !== "either") return { ...one, on: one.on.map((part) => chosen(part, sign)) };
    const [term, own] = one.on as [Expression, { value: number }];
    const value = chosen(term, sign);
    return sign * own.value > 0 ? value : { kind: "call", of: "negate", on: [value] };
  };
  return [chosen(of, 1), chosen(of, -1)];
}

const has = (of: Expression, name: string): boolean =>
  of.kind === "call" && (of.of === name || of.on.some((part) => has(part, name)));

/** The other side of an equation with a name: of `x = 5`, `f(x) = x^2`, `x ∈ (0,1)`; else null. */
function resultOf({ signs, sides }: Mathematics & { kind: "relation" }): Mathematics | null {
  const [left, right] = [sides[0], sides.at(-1)!];
  if (signs.length !== 1 || !"=∈".includes(signs[0])) return null;
  if (isName(left)) return right;
  return signs[0] === "=" && isName(right) ? left : null;
}

function isName(of: Mathematics): boolean {
  if (of.kind === "words") return of.text === "f";
  if (of.kind === "bracketed") return of.of.every(isName);
  return of.kind === "expression" && of.of.kind === "name" && namesIn(of.of).size === 1;
}

function sameInOrder(a: Mathematics[], b: Mathematics[]): boolean {
  return a.length === b.length && a.every((one, i) => sameMathematics(one, b[i]));
}

function sameInAnyOrder(a: Mathematics[], b: Mathematics[]): boolean {
  const left = [...b];
  return a.length === b.length && a.every((one) => {
    const at = left.findIndex((other) => sameMathematics(one, other));
    if (at !== -1) left.splice(at, 1);
    return at !== -1;
  });
}

/** Lists match in any order; `3, -1` and `x = 3, y = -1` also match the point (3, -1), in order. */
function sameSeveral(a: Mathematics, b: Mathematics): boolean {
  if (a.kind === "several" && b.kind === "several") return sameInAnyOrder(a.of, b.of);
  const [list, tuple] = a.kind === "several" ? [a, b] : [b, a];
  return list.kind === "several" && tuple.kind === "bracketed" && !list.braces &&
    tuple.left === "(" && tuple.right === ")" && sameInOrder(list.of, tuple.of);
}

function sameRelation(
  a: Mathematics & { kind: "relation" },
  b: Mathematics & { kind: "relation" },
): boolean {
  const [resultA, resultB] = [resultOf(a), resultOf(b)];
  if (
    a.signs[0] === "∈" || b.signs[0] === "∈" || resultA?.kind === "bracketed" ||
    resultB?.kind === "bracketed"
  ) {
    if (resultA === null && resultB !== null) return sameInterval(a, resultB);
    if (resultB === null && resultA !== null) return sameInterval(b, resultA);
    return resultA !== null && resultB !== null && sameMathematics(resultA, resultB);
  }
  if (a.sides[0].kind === "words" || b.sides[0].kind === "words") {
    return sameMathematics(resultA ?? a.sides.at(-1)!, resultB ?? b.sides.at(-1)!);
  }
  const left = pairsOf(a), right = pairsOf(b);
  return left.length === right.length &&
    left.every((one) => right.some((other) => samePair(one, other))) &&
    right.every((one) => left.some((other) => samePair(one, other)));
}

function pairsOf({ signs, sides }: Mathematics & { kind: "relation" }): Pair[] {
  return signs.map((sign, i) => {
    const turned = sign === ">" || sign === "≥";
    const [smaller, larger] = turned ? [sides[i + 1], sides[i]] : [sides[i], sides[i + 1]];
    return { smaller, larger, sign: sign === ">" ? "<" : sign === "≥" ? "≤" : sign };
  });
}

/** Whether two relations hold at the same points: the ratio of their differences is constant. */
function samePair(a: Pair, b: Pair): boolean {
  if (a.sign !== b.sign) return false;
  const [first, second] = [differenceOf(a), differenceOf(b)];
  if (first === null || second === null) return false;
  const ratios = pointsOf(first, second).map(({ a, b }) => quotient(a, b));
  if (ratios.length === 0) return false;
  const [ratio] = ratios;
  const isConstant = ratios.every((other) => close(ratio, other, SAME_SHARE));
  const isOne = a.sign === "=" || a.sign === "≠" ? Math.hypot(...ratio) > 0 : ratio[0] > 0;
  return isConstant && isOne && Math.abs(ratio[1]) <= 1e-9;
}

function differenceOf({ smaller, larger }: Pair): Expression | null {
  if (smaller.kind !== "expression" || larger.kind !== "expression") return null;
  return { kind: "call", of: "minus", on: [larger.of, smaller.of] };
}

const quotient = (a: Complex, b: Complex): Complex => {
  const size = b[0] * b[0] + b[1] * b[1];
  return [(a[0] * b[0] + a[1] * b[1]) / size, (a[1] * b[0] - a[0] * b[1]) / size];
};

/** `x < 3` matches the interval up to 3, unless an interval was asked for in words. */
function sameInterval(a: Mathematics & { kind: "relation" }, b: Mathematics): boolean {
  if (b.kind !== "bracketed" || b.of.length !== 2) return false;
  const pairs = pairsOf(a);
  const low = pairs.find(({ larger }) => isName(larger)),
    high = pairs.find(({ smaller }) => isName(smaller));
  if (pairs.length !== (low ? 1 : 0) + (high ? 1 : 0)) return false;
  const endless = (value: number): Mathematics => ({
    kind: "expression",
    of: { kind: "number", value },
    percent: false,
  });
  return (low?.sign === "≤" ? "[" : "(") === b.left &&
    (high?.sign === "≤" ? "]" : ")") === b.right &&
    sameMathematics(low?.smaller ?? endless(-Infinity), b.of[0]) &&
    sameMathematics(high?.larger ?? endless(Infinity), b.of[1]);
}

function sameExpression(a: Expression, b: Expression): boolean {
  if (sameValues(a, b)) return true;
  // for a negative number: the real root, or the principal root as with powers
  return (has(a, "root") || has(b, "root")) && sameValues(withPowers(a), withPowers(b));
}

/** Roots written as powers: a cube root of -8 is then 1 + 1.73i, as (-8)^(1/3) is. */
function withPowers(of: Expression): Expression {
  if (of.kind !== "call") return of;
  const on = of.on.map(withPowers);
  if (of.of !== "root") return { ...of, on };
  const one: Expression = { kind: "number", value: 1 };
  const degree: Expression = on[1] ?? { kind: "number", value: 2 };
  return {
    kind: "call",
    of: "power",
    on: [on[0], { kind: "call", of: "over", on: [one, degree] }],
  };
}

function sameValues(a: Expression, b: Expression): boolean {
  if (JSON.stringify(a) === JSON.stringify(b)) return true;
  if (namesIn(a).size + namesIn(b).size === 0) return sameNumbers(a, b);
  const points = pointsOf(a, b);
  return points.length >= LEAST && points.every(({ a, b }) => close(a, b, SAME_SHARE));
}

/** Compares exactly when both have an exact value and neither is a decimal: 1/2^99 is not 1/2^98. */
function sameNumbers(a: Expression, b: Expression): boolean {
  const none = () => NaN;
  const value = valueOf(a, none);
  const [exactA, exactB] = [exactly(a), exactly(b)];
  if (exactA === null || exactB === null) return sameNumber(value, valueOf(b, none));
  if (exactA[0] * exactB[1] === exactB[0] * exactA[1]) return true;
  const isWhole = [exactA, exactB].every(([over, under]) => over % under === 0n);
  if (isWhole || exactA[0] === 0n || !(isRounded(a) || isRounded(b))) return false;
  return shareApart(exactA, exactB) <= shareAllowed(Math.abs(value[0]));
}

/** The values of both at points where both have one; empty if at some points only one has a value. */
function pointsOf(a: Expression, b: Expression): { a: Complex; b: Complex }[] {
  const found: { a: Complex; b: Complex }[] = [];
  for (let i = 0; i < POINTS; i++) {
    const names = (name: string) => coordinate(name, i);
    const [left, right] = [valueOf(a, names), valueOf(b, names)];
    const known = [left, right].filter((value) => value.every(Number.isFinite)).length;
    if (known === 1) return [];
    if (known === 2) found.push({ a: left, b: right });
  }
  return found;
}

/**
 * A value for a name at a point: the same each time, in ±(0.3 … 2.7), positive for the first third of the
 * points.
 */
function coordinate(name: string, point: number): number {
  let hash = 2166136261 ^ (point * 374761393);
  for (const letter of name) hash = Math.imul(hash ^ letter.codePointAt(0)!, 16777619);
  hash = Math.imul(hash ^ (hash >>> 15), 2246822519);
  hash = (hash ^ (hash >>> 13)) >>> 0;
  const size = 0.3 + 2.4 * (hash / 2 ** 32);
  return point >= POINTS / 3 && hash % 2 === 1 ? -size : size;
}

/** The largest allowed difference of two numbers of a given size, as a share of it. */
const shareAllowed = (size: number) => size < 1e-3 ? SAME_SHARE : Math.max(SAME / size, 1e-9);

function sameNumber(a: Complex, b: Complex): boolean {
  if (!Number.isFinite(a[0]) || !Number.isFinite(b[0])) return a[0] === b[0];
  const size = Math.hypot(...a);
  const allowed = size === 0 ? 0 : size * shareAllowed(size);
  return Math.hypot(a[0] - b[0], a[1] - b[1]) <= allowed + noise(a, b, 1e-15, 1e-12);
}

const close = (a: Complex, b: Complex, share: number): boolean =>
  Math.hypot(a[0] - b[0], a[1] - b[1]) <=
    share * Math.max(Math.hypot(...a), Math.hypot(...b)) + noise(a, b, 1e-13, 1e-11);

/** The allowed error of a 0, such as sin(π) has: 0 when neither number is that small. */
const noise = (a: Complex, b: Complex, small: number, off: number) =>
  Math.min(Math.hypot(...a), Math.hypot(...b)) < small ? off : 0;
