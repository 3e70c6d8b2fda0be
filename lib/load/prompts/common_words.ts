/** The words that synthetic prompts are made of. */
import { InputError } from "../../errors.ts";
import type { TokenCounter } from "./tokenizer.ts";

/**
 * 400 common English words. Each is a single token of o200k_base both with and without a leading
 * space, so a text of n words separated by single spaces has exactly n tokens. They are also single
 * tokens of cl100k_base and r50k_base.
 */
export const COMMON_WORDS: readonly string[] = (
  "able above account action add adult age ago ahead all almost also among animal any apply " +
  "around article author away back bank base bear bed begin better big bird bit blue boat born " +
  "bottom boy bread bridge brown build bus but buy camp capital card carry catch center chain " +
  "change check child circle claim clean client close coat college come company computer consider " +
  "cook copy cost count course create cross culture current damage data daughter deal degree " +
  "detail distance dog double draft dream drive during ear earth easy edge eight elect empty " +
  "energy enter escape event every exist extra fact fail faith family farm feature few figure " +
  "fill final fine first fit fix flight flow focus food for foreign form four free friend front " +
  "fuel future gas general girl glass good grand gray green group growth hair hall handle happy " +
  "hat health heat height her hide history hold holiday horse host house human impact income " +
  "instead iron item join just keep kid know lake language last launch lead league leave leg " +
  "length letter life light limit link little local long loss love machine major male many mark " +
  "master may meal media meet memory metal middle mile mine miss modern month more mother mount " +
  "movie music name native near network new next night none note notice number off office oil one " +
  "open orange organ our oven own pack paid pair parent part pass path pay people period phone " +
  "phrase picture place plan planet plate player plus pool popular position pot practice pretty " +
  "prime private process profit proof public pure push quality quick quite radio rain range " +
  "rather read real recent red region remove repair replace report rest rich right rise river " +
  "rock root rough route rule safe sand say scene science sea seat secret see select sell sense " +
  "set shake share she shell shirt short show sign similar sing sit six skill sky small social " +
  "solid son soon source space speed spread square stage star state stay steel stick stone store " +
  "story street string study subject such support surface system take tank task team term text " +
  "thank then they thing this though thread through thus time title tone top total town trade " +
  "travel trial true try two under unit upon use value very voice wait wall wash water way wear " +
  "week west wheel where while who wife will wind wine winner wise within woman word worker write " +
  "yard yellow yet young"
).split(" ");

/** Fewer words would give too few different beginnings of prompts: this many give 160,000. */
const LEAST_WORDS = 20;

/**
 * Returns the common words that are one token each for a tokenizer, both at the beginning of a text
 * and within it.
 *
 * @throws {InputError} there are too few: the vocabulary is small, or for another language.
 */
export function wordsOfOneToken({ name, count }: TokenCounter): readonly string[] {
  const words = COMMON_WORDS.filter((word) => count(word) === 1);
  const within = words.filter((word) => count(`${words[0]} ${word}`) === 2);
  const text = within.join(" ");
  if (within.length >= LEAST_WORDS && count(text) === within.length) return within;
  throw new InputError(
    `--tokenizer: ${name}: ${within.length} of ${COMMON_WORDS.length} common English words are one token ` +
      `each; expected ${LEAST_WORDS} at least, to make up prompts of exact lengths: send prompts of a file`,
  );
}
