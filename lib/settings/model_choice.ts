/** A model that a file names in addition to the measured one: a judge, or a model for embeddings. */
import { z } from "zod";
import { endpointSettings, retrySettings } from "./endpoint.ts";
import { asGiven } from "./setting.ts";

/** Its URL and how to ask it, under the names of the command line's flags. */
export const modelChoice = asGiven(z.object({ ...endpointSettings.shape, ...retrySettings.shape }));
