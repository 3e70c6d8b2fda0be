/** KServe's v2 API for texts: Triton's generate extension, and inference on text tensors. */
import { textOf } from "./answer.ts";
import type { MockAnswer } from "./answer.ts";
import type { Asked } from "./asked.ts";
import type { MockForm } from "./mock_form.ts";

const model = ({ model }: Asked) => ({ model_name: model, model_version: "1" });

const said = ({ choices }: MockAnswer) => textOf(choices[0], "content");

/** Triton's generate extension: every event has the fields of a whole answer. */
export const KSERVE_GENERATE_ANSWERS: MockForm = {
  whole: (asked, answer) => ({ ...model(asked), text_output: said(answer) }),
  events: (asked, answer) => {
    const event = (text: string) =>
      JSON.stringify(KSERVE_GENERATE_ANSWERS.text(asked, answer, text, 0));
    const told = answer.choices[0].deltas.map((delta, step) => {
      const text = "content" in delta ? delta.content : "";
      return { kind: "token" as const, event: event(text), step, content: { index: 0, text } };
    });
    // Triton's backends end with an empty one
    return [...told, { kind: "finish", event: event(""), step: Math.max(0, told.length - 1) }];
  },
  text: (asked, _answer, text) => ({ ...model(asked), text_output: text }),
  error: (message) => ({ error: message }),
  last: "",
};

/** Inference, which is never streamed. */
export const KSERVE_INFER_ANSWERS: MockForm = {
  ...KSERVE_GENERATE_ANSWERS,
  whole: (asked, answer) => ({
    ...model(asked),
    outputs: [{ name: "text_output", datatype: "BYTES", shape: [1, 1], data: [said(answer)] }],
  }),
};
