/** Tells Python statements from prose, one masked logical line at a time. */

const WORDS = new Set(
  ("and or not in is if else elif for while lambda await async yield from import as def class return " +
    "raise assert del global nonlocal with try except finally pass break continue match case print")
    .split(" "),
);
const TOKEN = /[\p{L}_][\p{L}\p{N}_]*|\d[\w.]*|"+|\s+|[^\s\p{L}\p{N}_"]/gu;
/** Only this many characters of a line are examined. */
const ENOUGH = 400;

/** Whether two operands are next to each other, as in prose but never in Python. */
function hasAdjacentOperands(head: string): boolean {
  let before: "none" | "word" | "number" | "string" | "closer" = "none";
  let last = "";
  let spaced = false;
  for (const [token] of head.slice(0, ENOUGH).matchAll(TOKEN)) {
    if (/^\s/.test(token)) {
      spaced = true;
      continue;
    }
    if (token.startsWith('"')) {
      const prefix = before === "word" && !spaced && /^[rbfu]{1,2}$/i.test(last);
      if (before !== "none" && before !== "string" && !prefix) return true;
      before = "string";
    } else if (/^[\p{L}_]/u.test(token)) {
      const keyword = WORDS.has(token);
      if (!keyword && before !== "none") return true;
      before = keyword ? "none" : "word";
    } else if (/^\d/.test(token)) {
      if (before !== "none") return true;
      before = "number";
    } else {
      before = /[)\]}]/.test(token) ? "closer" : "none";
    }
    last = token;
    spaced = false;
  }
  return false;
}

const DEFINITION =
  /^(?:(?:async\s+)?def\s+[\p{L}_][\p{L}\p{N}_]*\s*[([]|class\s+[\p{L}_][\p{L}\p{N}_]*\s*[([:])/u;
const IMPORT =
  /^(?:import\s+[\w.]+(?:\s+as\s+\w+)?\s*(?:,|;|$)|from\s+[\w.]+\s+import\s*(?:[(*]|\w+\s*(?:,|;|$|as\s)))/;
const DECORATOR = /^@[\w.]+\s*(?:$|\()/;
const ASSIGNMENT = /^[\p{L}_*([][^=!<>]*(?:[-+*/%&|^@]|\/\/|\*\*|<<|>>)?=(?!=)\s*\S/u;
const COMPOUND = /^(?:if|elif|while|with|for|match|case|except|async\s+for|async\s+with)\b.+:/s;
const BARE_COMPOUND = /^(?:else|try|finally|except)\s*:/;
const SIMPLE = /^(?:return|yield|raise|assert|del|global|nonlocal|await)\b/;
const ALONE = /^(?:pass|break|continue|return|raise|\.\.\.)\s*;?$/;

/** Whether a masked logical line defines or imports something. */
export function isDefinition(head: string): boolean {
  return DEFINITION.test(head) || IMPORT.test(head) || DECORATOR.test(head);
}

/** Whether a masked logical line is a Python statement that is valid at a module's top level. */
export function isTopStatement(head: string, broken = false): boolean {
  if (isDefinition(head)) return true;
  if (broken || head.includes("->") || head.includes("`") || hasAdjacentOperands(head)) {
    return false;
  }
  if (BARE_COMPOUND.test(head)) return true;
  if (COMPOUND.test(head)) return !/^for\b/.test(head) || /\bin\b/.test(head);
  if (/^"+$/.test(head)) return true;
  if (/^(?:assert|del|raise|global)\s+\S/.test(head)) return true;
  if (ASSIGNMENT.test(head)) return true;
  return /^[\p{L}_][\p{L}\p{N}_.]*\s*\(.*\)\s*;?$/su.test(head.slice(0, ENOUGH)) ||
    (head.length > ENOUGH && /^[\p{L}_][\p{L}\p{N}_.]*\(/u.test(head));
}

/** Whether a masked logical line is a statement that is valid in a function's body. */
export function isBodyStatement(head: string, broken = false): boolean {
  if (ALONE.test(head)) return true;
  if (SIMPLE.test(head)) return !hasAdjacentOperands(head);
  return isTopStatement(head, broken);
}
