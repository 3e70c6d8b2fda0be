/** Parses one expression from the tokens of LaTeX or plain text by recursive descent. */
import type { Expression } from "./math_value.ts";

/** A text that is not mathematics of a known form. */
export class Unreadable extends Error {}

const TOKEN =
  /\s*(\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,])|\d+(?:\.\d+)?|\.\d+|\\[a-zA-Z]+|\\[{}]|[a-zA-Z]|[-+*/^_!%(){}[\]|±∓'])/y;
const FUNCTIONS =
  "sin cos tan cot sec csc arcsin arccos arctan arccot sinh cosh tanh ln log exp max min".split(
    " ",
  );
const GREEK =
  "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi rho sigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Sigma Phi Psi Omega pi infty ell hbar"
    .split(" ");
const number = (value: number): Expression => ({ kind: "number", value });
const call = (of: string, ...on: Expression[]): Expression => ({ kind: "call", of, on });

/**
 * Parses a text that `math_parse.ts` has normalised; see the forms there.
 *
 * @throws {Unreadable}
 */
export function expressionOf(text: string): Expression {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  for (let at = 0; at < text.length;) {
    if (text.slice(at).trim() === "") break;
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    if (!found) throw new Unreadable(text.slice(at));
    tokens.push(found[1]);
    at = TOKEN.lastIndex;
  }
  const reader = new Reader(tokens);
  const read = reader.sum();
  if (!reader.atEnd) throw new Unreadable(text);
  return read;
}

/** Deeper brackets would overflow the stack. */
const MOST_TOKENS = 600;

class Reader {
  #at = 0;
  #inBars = 0;

  constructor(readonly tokens: string[]) {
    if (tokens.length === 0 || tokens.length > MOST_TOKENS) throw new Unreadable();
  }

  get atEnd(): boolean {
    return this.#at >= this.tokens.length;
  }

  get #next(): string {
    return this.tokens[this.#at] ?? "";
  }

  #take(token: string): boolean {
    if (this.#next !== token) return false;
    this.#at++;
    return true;
  }

  #expect(token: string): void {
    if (!this.#take(token)) throw new Unreadable(`expected ${token}`);
  }

  sum(): Expression {
    let left: Expression = number(0), isFirst = true;
    for (;;) {
      const sign = ["+", "-", "±", "∓"].find((sign) => this.#take(sign));
      if (!sign && !isFirst) return left;
      const term = this.#term();
      if (isFirst) {
        left = !sign || sign === "+"
          ? term
          : sign === "-"
          ? call("negate", term)
          : call("either", term, number(sign === "±" ? 1 : -1));
      } else {
        left = sign === "+"
          ? call("add", left, term)
          : sign === "-"
          ? call("minus", left, term)
          : call(
            "add",
            left,
            call("either", term, number(sign === "±" ? 1 : -1)),
          );
      }
      isFirst = false;
    }
  }

  #term(): Expression {
    let left = this.#factor();
    for (;;) {
      if (this.#take("*")) left = call("times", left, this.#factor());
      else if (this.#take("/")) left = call("over", left, this.#factor());
      else if (this.#begins()) left = this.#beside(left, this.#factor());
      else return left;
    }
  }

  /** A whole number next to a fraction of numbers is a mixed number; otherwise they are multiplied. */
  #beside(left: Expression, right: Expression): Expression {
    const isMixed = left.kind === "number" && Number.isInteger(left.value) &&
      right.kind === "call" &&
      right.of === "over" && right.on.every(({ kind }) => kind === "number") && left.value > 0;
    return call(isMixed ? "add" : "times", left, right);
  }

  #begins(): boolean {
    const next = this.#next;
    if (next === "|") return this.#inBars === 0;
    return /^(?:[a-zA-Z0-9.([{]|\\[a-zA-Z])/.test(next) && !/^\\(?:rfloor|rceil|end)$/.test(next);
  }

  #factor(): Expression {
    if (this.#take("-")) return call("negate", this.#factor());
    if (this.#take("+")) return this.#factor();
    let base = this.#base();
    for (;;) {
      if (this.#take("!")) base = call("factorial", base);
      else if (this.#take("%")) base = call("over", base, number(100));
      else if (this.#take("^")) base = call("power", base, this.#raised());
      else return base;
    }
  }

  #raised(): Expression {
    if (this.#take("-")) return call("negate", this.#single());
    return this.#single();
  }

  /** The argument of `^`, `\frac` or `\sqrt`: a group, one digit, one letter, or one command. */
  #single(): Expression {
    if (this.#take("{")) {
      const inside = this.sum();
      this.#expect("}");
      return inside;
    }
    if (/^\d\d/.test(this.#next)) { // \frac12: one digit each
      const digits = this.#next;
      this.tokens.splice(this.#at, 1, digits[0], digits.slice(1));
    }
    return this.#base();
  }

  #group(open: string, close: string): Expression | null {
    if (!this.#take(open)) return null;
    const bars = this.#inBars;
    this.#inBars = open === "|" ? bars + 1 : 0;
    const inside = this.sum();
    this.#inBars = bars;
    this.#expect(close);
    return inside;
  }

  #base(): Expression {
    const group = this.#group("(", ")") ?? this.#group("[", "]") ?? this.#group("{", "}");
    if (group) return group;
    const bars = this.#group("|", "|");
    if (bars) return call("abs", bars);
    const token = this.#next;
    this.#at++;
    if (/^[\d.]/.test(token)) {
      return { ...number(Number(token.replaceAll(",", ""))), written: token } as Expression;
    }
    if (/^[a-zA-Z]$/.test(token)) return this.#name(token);
    const command = token.slice(1);
    if (token[0] !== "\\") throw new Unreadable(token);
    if (GREEK.includes(command)) return this.#name(token);
    if (FUNCTIONS.includes(command)) return this.#function(command);
    if (command === "frac") return call("over", this.#single(), this.#single());
    if (command === "binom") return call("binom", this.#single(), this.#single());
    if (command === "sqrt") {
      const degree = this.#group("[", "]");
      const of = this.#single();
      return degree ? call("root", of, degree) : call("root", of);
    }
    if (command === "lfloor" || command === "lceil") {
      const inside = this.sum();
      this.#expect(command === "lfloor" ? "\\rfloor" : "\\rceil");
      return call(command === "lfloor" ? "floor" : "ceil", inside);
    }
    throw new Unreadable(token);
  }

  /** A letter with its index and primes: x_1, x_{ij}, f'. */
  #name(letter: string): Expression {
    let name = letter;
    while (this.#take("'")) name += "'";
    if (this.#take("_")) {
      if (this.#take("{")) {
        name += "_";
        while (!this.atEnd && this.#next !== "}") name += this.tokens[this.#at++];
        this.#expect("}");
      } else name += `_${this.tokens[this.#at++] ?? ""}`;
    }
    return { kind: "name", name };
  }

  /**
   * `\sin^2 x`, `\log_2 8`, `\sin^{-1} x`, `\sin 2x\cos x`: the argument ends where another function
   * begins.
   */
  #function(name: string): Expression {
    const base = this.#take("_") ? this.#single() : null;
    const raised = this.#take("^") ? this.#raised() : null;
    const isInverse = raised?.kind === "call" && raised.of === "negate" &&
      raised.on[0].kind === "number" &&
      raised.on[0].value === 1 && /^(?:sin|cos|tan|cot)$/.test(name);
    const isGrouped = "([{".includes(this.#next) && this.#next !== "";
    let of = isGrouped ? this.#factor() : this.#argument();
    of = base ? call(name, of, base) : call(isInverse ? `arc${name}` : name, of);
    return raised && !isInverse ? call("power", of, raised) : of;
  }

  #argument(): Expression {
    let left = this.#factor();
    while (
      this.#begins() && !FUNCTIONS.includes(this.#next.slice(1)) && !"([".includes(this.#next)
    ) {
      left = this.#beside(left, this.#factor());
    }
    return left;
  }
}
