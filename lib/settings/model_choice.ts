/** A model that a file names beside the one that is measured: a judge, or one that embeds texts. */
import { z } from "zod";
import { endpointSettings, retrySettings } from "./endpoint.ts";
import { asGiven } from "./setting.ts";

/** Where it is and how it is asked, under the names of the command line's flags. */
export const modelChoice = asGiven(z.object({ ...endpointSettings.shape, ...retrySettings.shape }));
