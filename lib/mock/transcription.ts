/** Transcription of sound: the text is the mock's answer, whatever the sound contains. */
import { textOf } from "./answer.ts";
import type { MockAnswer } from "./answer.ts";
import type { Asked } from "./asked.ts";
import { type MockForm, textEvents } from "./mock_form.ts";

/** Usage is billed in whole seconds. */
const usage = ({ sound_s }: Asked) => ({ type: "duration", seconds: Math.ceil(sound_s ?? 0) });

const said = ({ choices }: MockAnswer) => textOf(choices[0], "content");

const piece = (delta: string) => ({ type: "transcript.text.delta", delta });

/** OpenAI's transcriptions and translations. */
export const TRANSCRIPTION_ANSWERS: MockForm = {
  whole: (asked, answer) =>
    asked.plain ? said(answer) : { text: said(answer), usage: usage(asked) },
  events: (asked, answer) =>
    textEvents(answer, piece, {
      type: "transcript.text.done",
      text: said(answer),
      usage: usage(asked),
    }),
  text: (_asked, _answer, text) => piece(text),
  last: "",
};
