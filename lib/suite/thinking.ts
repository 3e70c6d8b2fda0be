/** Thinking that models write into their answer. */

/** Tags in which models think aloud; Mistral's are in square brackets. */
const THINKING = "(?:think|thinking|thought|thoughts|reasoning|analysis|scratchpad|reflection)";
const BLOCK = new RegExp(`([<\\[])(${THINKING})[>\\]]([^]*?)\\1/\\2[>\\]]`, "gi");
const UNENDED = new RegExp(`^\\s*[<\\[]${THINKING}[>\\]]`, "i");
const HEADLESS = /^([^]*?)[<\[]\/think(?:ing)?[>\]]/i;

/**
 * An answer apart from the thinking that some models put before it in `<think>` tags and their like.
 * Thinking that does not end leaves no answer; one whose beginning the server kept goes from the start.
 */
export function splitThinking(response: string): { answer: string; thinking: string | null } {
  const thoughts: string[] = [];
  const keep = (_: string, ...[, , thought]: string[]) => (thoughts.push(thought.trim()), "");
  let answer = response.replace(BLOCK, keep)
    .replace(HEADLESS, (_, thought: string) => (thoughts.push(thought.trim()), ""));
  const open = UNENDED.exec(answer);
  if (open) {
    thoughts.push(answer.slice(open[0].length).trim());
    answer = "";
  }
  if (thoughts.length === 0) return { answer: response, thinking: null };
  return { answer: answer.trim(), thinking: thoughts.join("\n") };
}
