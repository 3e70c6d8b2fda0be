/** Transcription of sound: the text is the mock's answer, whatever is heard. */
import { textOf } from "./answer.ts";
import type { MockAnswer } from "./answer.ts";
import type { Asked } from "./asked.ts";
import type { MockForm } from "./mock_form.ts";

/** Seconds are billed whole. */
const usage = ({ sound_s }: Asked) => ({ type: "duration", seconds: Math.ceil(sound_s ?? 0) });

const said = ({ choices }: MockAnswer) => textOf(choices[0], "content");

/** OpenAI's transcriptions and translations. */
export const TRANSCRIPTION_ANSWERS: MockForm = {
  whole: (asked, answer) =>
    asked.plain ? said(answer) : { text: said(answer), usage: usage(asked) },
  events: (asked, answer) => {
    const { deltas } = answer.choices[0];
    const told = deltas.map((delta, step) => {
      const text = "content" in delta ? delta.content : "";
      const event = JSON.stringify(TRANSCRIPTION_ANSWERS.text(asked, answer, text, 0));
      return { kind: "token" as const, event, step, content: { index: 0, text } };
    });
    const done = { type: "transcript.text.done", text: said(answer), usage: usage(asked) };
    const step = Math.max(0, deltas.length - 1);
    return [...told, { kind: "finish", event: JSON.stringify(done), step }];
  },
  text: (_asked, _answer, text) => ({ type: "transcript.text.delta", delta: text }),
  last: "",
};
