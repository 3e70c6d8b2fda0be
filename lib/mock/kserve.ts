/** KServe's v2 API for texts: Triton's generate extension, and inference on text tensors. */
import { textOf } from "./answer.ts";
import type { MockAnswer } from "./answer.ts";
import type { Asked } from "./asked.ts";
import { type MockForm, textEvents } from "./mock_form.ts";

const model = ({ model }: Asked) => ({ model_name: model, model_version: "1" });

const said = ({ choices }: MockAnswer) => textOf(choices[0], "content");

const generated = (asked: Asked, text_output: string) => ({ ...model(asked), text_output });

/** Triton's generate extension: every event has all fields of a whole answer. */
export const KSERVE_GENERATE_ANSWERS: MockForm = {
  whole: (asked, answer) => generated(asked, said(answer)),
  events: (asked, answer) =>
    // Triton's backends end with an empty event
    textEvents(answer, (text) => generated(asked, text), generated(asked, "")),
  text: (asked, _answer, text) => generated(asked, text),
  error: (message) => ({ error: message }),
  last: "",
};

/** Inference, which does not stream. */
export const KSERVE_INFER_ANSWERS: MockForm = {
  ...KSERVE_GENERATE_ANSWERS,
  whole: (asked, answer) => ({
    ...model(asked),
    outputs: [{ name: "text_output", datatype: "BYTES", shape: [1, 1], data: [said(answer)] }],
  }),
};
