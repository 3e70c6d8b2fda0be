/** Separates the thinking that models write into their answer. */

/** Tags around a model's thinking; Mistral's are in square brackets. */
const THINKING = "think|thinking|thought|thoughts|reasoning|analysis|scratchpad|reflection";
const OPENING_OR_END = new RegExp(`([<\\[])(?:(${THINKING})[>\\]]|/(${THINKING})[>\\]])`, "gi");
const UNENDED = new RegExp(`^\\s*[<\\[](?:${THINKING})[>\\]]`, "i");
const HEADLESS = /[<\[]\/think(?:ing)?[>\]]/i;

/**
 * Separates an answer from the thinking that some models put before it, in `<think>` tags and the like.
 * If the thinking does not end, there is no answer; if the server removed the opening tag, the thinking
 * begins at the start. Takes time linear in the answer's length.
 */
export function splitThinking(response: string): { answer: string; thinking: string | null } {
  const thoughts: string[] = [];
  let answer = withoutBlocks(response, thoughts);
  const headless = HEADLESS.exec(answer);
  if (headless) {
    thoughts.push(answer.slice(0, headless.index).trim());
    answer = answer.slice(headless.index + headless[0].length);
  }
  const open = UNENDED.exec(answer);
  if (open) {
    thoughts.push(answer.slice(open[0].length).trim());
    answer = "";
  }
  if (thoughts.length === 0) return { answer: response, thinking: null };
  return { answer: answer.trim(), thinking: thoughts.join("\n") };
}

/**
 * The text without the blocks between a tag and the next end tag of its kind; the blocks go to
 * `thoughts`.
 */
function withoutBlocks(text: string, thoughts: string[]): string {
  const tags = [...text.matchAll(OPENING_OR_END)].map((
    { index, 0: tag, 1: bracket, 2: opens, 3: ends },
  ) => ({
    at: index,
    behind: index + tag.length,
    kind: bracket + (opens ?? ends).toLowerCase(),
    opens: opens !== undefined,
  }));
  /** The first end tag after each opening tag, searched backwards from the last tag. */
  const ends = new Map<string, typeof tags[number]>();
  const endOf = tags.map(() => undefined as typeof tags[number] | undefined);
  for (let i = tags.length - 1; i >= 0; i--) {
    if (tags[i].opens) endOf[i] = ends.get(tags[i].kind);
    else ends.set(tags[i].kind, tags[i]);
  }
  let rest = "", from = 0;
  tags.forEach((tag, i) => {
    const end = endOf[i];
    if (tag.at < from || end === undefined) return;
    rest += text.slice(from, tag.at);
    thoughts.push(text.slice(tag.behind, end.at).trim());
    from = end.behind;
  });
  return rest + text.slice(from);
}
