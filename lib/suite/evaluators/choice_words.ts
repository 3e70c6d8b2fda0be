/** Words with which answers in many languages announce a choice, deny it or leave it open. */

/** Makes an alternation from lists of words, in the form (NFKC) that answers are read in. */
function any(...lists: string[]): string {
  return `(?:${lists.join("|")})`.normalize("NFKC");
}

/** For languages with spaces: matches whole words. */
function whole(...lists: string[]): string {
  return `(?<![\\p{L}\\p{N}])${any(...lists)}(?![\\p{L}\\p{N}])`;
}

/** Names for a choice, in languages with spaces. */
const SPACED_NOUNS = any(
  "answer|answers|ans|option|options|choice|choices|selection|solution|letter|pick|guess|response|recommendation|(?<=the )one (?:that |which )?(?:we (?:want|need|are looking for)|fits|matches|works)",
  "antwort|antworten|antwortmöglichkeit|lösung|wahl|auswahl|buchstabe|aussage",
  "réponse|reponse|réponses|choix|proposition|lettre",
  "respuesta|respuestas|opción|opcion|opciones|alternativa|elección|letra|solución|inciso",
  "risposta|risposte|opzione|opzioni|scelta|soluzione|lettera",
  "resposta|respostas|opção|opcao|gabarito|escolha|item",
  "antwoord|antwoorden|optie|keuze|odpowiedź|odpowiedzią|odpowiedzi|odp|opcja|cevap|yanıt|seçenek|şık",
  "ответ|ответы|вариант|вариант ответа|выбор|буква|відповідь",
  "đáp án|câu trả lời|lựa chọn|phương án|jawaban|jawabannya|pilihan|opsi|svar|svaret|alternativ|alternativet",
  "odpověď|možnost|řešení|απάντηση|επιλογή|răspunsul|răspuns|opțiunea|varianta|válasz|vastaus|vaihtoehto|vastausvaihtoehto|valg|mulighed|התשובה|תשובה|האפשרות|پاسخ|جواب|گزینه|ответом|вариантом",
  // as in MMLU in other languages, and MGSM
  "উত্তর|বিকল্প|సమాధానం|பதில்|விடை|જવાબ|ਜਵਾਬ|ਉੱਤਰ|ಉತ್ತರ|ഉത്തരം|පිළිතුර|පිළිතුරු|መልስ|መልሱ|jibu|majibu|ìdáhùn|idáhùn|idahun|àṣàyàn|amsa|azịza|impendulo|mhinduro|yankho|valiny|jawab|jawapan|sagot|жооп|жауап|javob|отговор|odgovor|odpoveď|atsakymas|atbilde|vastus|პასუხი|պատասխան|përgjigjja|përgjigja|freagra|ateb|erantzuna",
  "उत्तर|विकल्प|जवाब|الإجابة|الاجابة|الجواب|إجابة|جواب|الخيار|الاختيار|جوابي|إجابتي",
);
const JOINED_NOUNS = any(
  "答案|正解|答え|解答|回答|答|选项|選項|選択肢|正答|정답|답|답변|선택지|보기|해답|선택|(?:คำตอบ|ตัวเลือก|ข้อ)(?:ที่ถูก(?:ต้อง)?)?",
);

/** "answer", "option" and the like. */
export const NOUN = `(?:(?<![\\p{L}\\p{N}])${SPACED_NOUNS}(?![\\p{L}\\p{N}])|${JOINED_NOUNS})`;

/** Words for more than one answer. */
export const PLURAL = whole("answers|options|choices|respuestas|réponses|antworten|ones");

/** Words for what a question may offer instead of answers: "Ending C". */
export const LABELLED = whole(
  "ending|continuation|completion|sentence|statement|passage|summary|translation|interpretation|hypothesis|scenario|figure|diagram|graph|picture|image|candidate|version|response",
);

/** Words before the noun that keep its meaning; any other word makes it a different answer. */
export const GOOD = `(?:${
  whole(
    "final|correct|right|best|proper|only (?:consistent|valid|viable|possible|plausible|remaining|reasonable|logical|suitable)|true|actual|only|chosen|selected|appropriate|accurate|likely|most (?!common|popular|tempting|frequent|chosen|obvious|cited|people|students)\\p{L}+|ultimate|overall|closest|intended|suitable",
    "richtige|korrekte|beste|endgültige|finale|einzige|bonne|meilleure|meilleur|bon|correcte|juste|finale|exacte|seule",
    "correcta|correcto|mejor|final|única|migliore|corretta|giusta|melhor|correta|única",
    "juiste|goede|correcte|beste|definitieve|poprawna|poprawną|prawidłowa|prawidłową|właściwa|ostateczna|doğru|nihai",
    "правильный|верный|окончательный|правильная|верная|правильним|правильна|rätt|rätta|korrekt|सही|अंतिम",
    "সঠিক|সর্বশেষ|సరైన|சரியான|સાચો|ਸਹੀ|ಸರಿಯಾದ|ശരിയായ|නිවැරදි|ትክክለኛው|верно|точный|riktig|tamang|igazi|õige|teisingas|pareizā|точният|верният|točan|ispravan|pravilen|правилният|správne|správné|درست",
    "správná|konečná|σωστή|τελική|helyes|végső|oikea|lopullinen|rigtige|korrekte|endelige|riktige|правильным|верным",
  )
}|正确的?|正確な?|正確的|最终的?|最終的な|最終的?|最佳|最合适的|残る|正しい|올바른|옳은|맞는|최종)`;

/** Words after the noun that keep its meaning. */
export const GOOD_AFTER = whole(
  "correcte|juste|exacte|finale|correcta|correcto|final|acertada|verdadera|corretta|giusta|esatta|correta|certa|certo|correto|verdadeira",
  "đúng|chính xác|đúng nhất|yang benar|yang tepat|yang paling tepat|الصحيحة|الصحيح|النهائية|النهائي|الصحيحه|corect|corectă|sahihi|tó tọ́|הנכונה|הסופית|صحیح|درست|นี้",
  "(?:that|which) (?:is |best |most |actually )*(?:fits|works|matches|applies|holds|true|correct|right|describes|best)(?: \\p{L}+){0,4}?|here|to (?:this |the )?question(?: \\d+)?|for (?:this|the) question|in this case|choice|option|letter|de la question",
);

/** Articles and possessives. "a" and "an" are left out: "an answer is B" decides nothing. */
export const THE = `(?:${
  whole(
    "the|my|our|your|this|its|la|le|el|il|lo|o|a|die|der|das|dem|meine|unsere|deine|ma|notre|votre|mi|nuestra|tu|su|mia|nostra|minha|nossa|sua|het|de|mijn|moja|moją|twoja|мой|наш|ваш|câu|det|den|mitt|η|ο|το|az|min",
  )
}|(?<!\\p{L})l['’])`;

/** Words that join the noun and the letter. */
export const IS = `(?:${
  whole(
    "is|are|was|be|would be|must be|(?:gotta|got to) be|should be|will be|has to be|must therefore be|seems to be|appears to be|ist|sind|lautet|wäre|muss|war|sia|sea|soit|est|sont|serait|doit être|es|son|sería|debe ser|è|é|sono|sarebbe|deve essere|são|seria|deve ser|to|jest|brzmi|là|adalah|ialah|är|blir|je|είναι|este|on|er|היא|הוא|ni|ay|হল|হলো|হচ্ছে|آهي|ہے|yra|ir|е|είναι η|است|है|هي|هو|является|is dus",
  )
}|['’]s(?!\\p{L})|应该是|应当是|應該是|应是|应为|应选|應選|应该选|就是|是|为|為|选|選|は|が|은|는|이|가|คือ)`;

/** Words that may stand between them: they say how certain the answer is. */
export const SURE = whole(
  "therefore|thus|hence|clearly|definitely|most likely|probably|likely|indeed|then|simply|actually|obviously|certainly|in fact|most probably|correctly|instead|equally|also|just as",
  "also|daher|somit|folglich|eindeutig|wahrscheinlich|donc|bien|ainsi|clairement|por tanto|entonces|claramente|quindi|dunque|chiaramente|portanto|então|dus|zatem|therefore,|thus,|indeed,|then,",
  "really|surely|undoubtedly|none other than",
  "очевидно|скорее всего|следовательно|إذن|therefore:",
);

/** Words of denial. */
export const NOT = `(?:${
  whole(
    "not(?! only)|never|neither|nor|isn['’]t|aren['’]t|wasn['’]t|can['’]t|cannot|couldn['’]t|won['’]t|doesn['’]t|don['’]t|shouldn['’]t|wouldn['’]t|nicht|kein|keine|weder|pas|jamais|(?<!jibu |sahihi |tọ́ |dáhùn )ni|no|non|não|nao|nem|né|niet|geen|nie|değil|не|ни|không|không phải|bukan|tidak|inte|नहीं",
    "ليس|ليست|لا",
  )
}|不是|不为|不|并非|ではなく|ではない|ではありません|でない|じゃない|가 아니|이 아니|아니|아닙)`;

/** Words that lead from the denied choice to the meant one. */
export const BUT = `(?:[,，、;]?\\s*(?:${
  whole(
    "but rather|but|rather|instead|it['’]s|it is|sondern|mais|sino|ma|bensì|mas sim|mas|e sim|maar|lecz|tylko|ale|а|но|mà|melainkan|utan|بل",
  )
}|而是|而|是)\\s*)`;

/** Words for "wrong": near a letter they deny it. */
export const WRONG = `(?:${
  whole(
    "wrong|incorrect|false|untrue|mistaken|eliminate|eliminated|ruled out|rule out|out|excluded|discarded|tempting|distractor|falsch|inkorrekt|unrichtig|fausse|faux|incorrecte|éliminée|incorrecta|falsa|errónea|sbagliata|sbagliato|errata|scorretta|incorreta|errada|onjuist|fout|niepoprawna|błędna|yanlış|неверен|неверно|неправильный|неправильно|неверный|sai|salah|fel|felaktigt|गलत|خطأ|خاطئ|خاطئة",
  )
}|错误|錯誤|不正确|不對|不对|間違|誤り|틀렸|틀린|틀립|오답)`;

/** Words for "right", said about a letter. */
export const RIGHT = `(?:${
  whole(
    "correct|right(?! (?:next|after|before|above|below|beside|now|away|angle))|best|better|closer|closest|true|trifft zu|správně|valid|acceptable|accurate|appropriate|most \\p{L}+|answer|only|closest|richtig|korrekt|richtige|korrekte|zutreffend|correcte|juste|bonne|exacte|vraie|correcta|verdadera|acertada|corretta|giusta|esatta|correta|certa|verdadeira|juist|correct|goed|poprawna|prawidłowa|doğrudur|doğru|верен|верный|верно|правильный|правильным|правильно|верным|đúng|benar|tepat|korrekt|rätt|الصحيح|الصحيحة|صحيح|صحيحة|सही",
  )
}|正确的?|正確的?|正しいの?|正解|答え|適切|对的|정답|맞|옳|올바)`;

/** Words for someone else's answer, a first thought, or a condition: a claim after them does not count. */
export const OPEN = `(?:${
  whole(
    "if|whether|unless|assuming|suppose|supposing|otherwise|(?<!no )doubt|(?:wrong|incorrect|false|mistaken) to|unlikely|at first|first glance|initially|not sure|unsure|unclear|not certain|only when|could be|might be|may be|(?:could|might|may) (?:seem|appear|look)|(?:do not|don['’]t|cannot|can['’]t|didn['’]t|wouldn['’]t|doesn['’]t) (?:think|believe|say|know|tell|mean|see|decide)",
    "(?:some|many|most|one|you|they|others|someone|people|students?|everyone|readers?)(?: people| students)? (?:would|might|may|could|will|say|says|think|thinks|thought|choose|pick|argue|believe|believes|answer|answered)",
    "(?:teacher|professor|key|book|friend|student|user|he|she|colleague) (?:said|says|claims|claimed|told me|thinks|thought)",
    "(?:your|previous|earlier) (?:answer|choice|response) was",
    "ob|wenn|falls|viele|manche|könnte|vielleicht|nicht sicher|weiß nicht|glaube nicht|si|peut-être|pourrait|certains|beaucoup|ne pense pas|quizás|podría|algunos|muchos|no creo|forse|potrebbe|alcuni|molti|non credo|talvez|poderia|alguns|muitos|não acho|misschien|jeśli|czy|eğer|если|ли|возможно|многие|nếu|jika|apakah|om|kanske|अगर|إذا|ربما|لو",
  )
}|如果|是否|也许|可能|很多人|假如|若|もし|かもしれ|만약|아마|여부)`;

/** Words that begin a new statement and cancel the effect of earlier ones. */
export const ANEW =
  `(?:[;—]|(?<!\\p{L})(?:contrary to|unlike|despite|although|though|while|whereas)(?!\\p{L})[^,.]*,|${
    whole(
      "but|however|yet|so|therefore|thus|hence|actually|aber|jedoch|mais|pero|però|ma|mas|maar|но|ale|men|nhưng",
    )
  }|但|所以|因此|しかし|하지만|لكن)`;

/** Words that make a claim with "would be" conditional. */
export const IF = whole(
  "if|only if|unless|were|wenn|falls|si|se|als|jeśli|eğer|если|бы|nếu|jika|om|إذا|لو",
);

/** Words that admit a guess: the choice after them still counts. */
export const IF_ASKED =
  "if (?:i|we) (?:had|have|were|was) (?:to|forced to) \\p{L}+(?: one)?|if (?:forced|pressed|pushed)(?: to \\p{L}+)?";

/** First-person choosing, or an instruction to oneself. */
export const CHOOSE = `(?:${
  whole(
    "(?:i|we)(?:['’]?ll|['’]d|['’]?m| will| would| am| are| have| must| can| also)?(?: therefore| thus| confidently| now| finally)? (?:mark|bubble|choose|chose|chosen|choosing|pick|picked|picking|select|selected|selecting|going with|go with|went with|going for|go for|meant?|guess|say|opt for|vote for|settle on|lean towards?|leaning towards?|favou?r|answer|conclude)(?: that)?(?: it['’]s| it is)?",
    "(?:you|one|we|the \\p{L}+) (?:should|must) (?:choose|select|pick|answer|mark)|(?:i|we)(?:['’]d| would)? (?:recommend|vote|suggest)",
    "(?<!not )(?:gonna|going to) (?:go with|say|pick|choose)|let['’]?s (?:go with|choose|pick|select|say)|(?:ich )?wähle|(?:ich )?entscheide mich für|(?:ich )?nehme|(?:ich )?tippe auf|je choisis|je dirais|j['’]opte pour|je sélectionne|elijo|escojo|(?<!no )(?:voy|vamos) a (?:elegir|escoger|seleccionar|marcar)|selecciono|me quedo con|opto por|scelgo|opto per|seleziono|escolho|seleciono|fico com|ik kies|wybieram|(?:я )?выбираю|chọn|saya memilih|(?:jag )?väljer|أختار|اختار",
  )
})`;

/** The same as an imperative, at the beginning of a sentence. */
export const CHOOSE_ORDER = whole("choose|pick|select|go with|going with|going for|selected|chose");

/** Words that introduce a conclusion. */
export const SO = `(?:${
  whole(
    "לכן|بنابراین|тому|отже|deci|tehát|எனவே|కాబట్టి|তাই|άρα|kwa hiyo|därför|derfor|siten|seega|todėl|zato|protože|тогава|следователно",
    "so|therefore|thus|damit|hence|consequently|accordingly|ergo|in conclusion|to conclude|finally|daher|deshalb|somit|folglich|donc|ainsi|par conséquent|por lo tanto|por tanto|entonces|así que|en conclusión|quindi|dunque|pertanto|portanto|logo|assim|dus|zatem|więc|итак|значит|таким образом|следовательно|поэтому|vậy|jadi|alltså|لذلك|إذن|अतः|इसलिए",
  )
}|[∴⟹]|ดังนั้น|因此|所以|故|综上所述|综上|따라서|그러므로|したがって|よって|ゆえに)`;

/** Words between two letters of a list. */
export const AND_OR = `(?:\\s*(?:[,，、;/&+|]|${
  whole(
    "and/or|and|or|as well as|und|oder|sowie|et|ou|y|o|u|e|ed|i|oraz|lub|albo|en|of|ve|veya|или|и|hoặc|và|atau|dan|och|eller|أو|و|और|या|vs|versus|plus|maybe|perhaps|possibly|then",
  )
}|或者|或|和|与|與|及|または|あるいは|と|か|또는|혹은|이나|나|과|와)\\s*)+`;

/** Words that begin a correction of an earlier answer. */
export const CORRECTION = `(?:${
  whole(
    "wait|hold on|hmm|no,? wait|no(?=[,.!;])|oops|sorry|my mistake|correction|edit(?=:)|update(?=:)|revised|corrected|scratch that|actually|on second thoughts?|on reflection|let me (?:correct|reconsider|rethink|revise)[^,.:]{0,20}|i (?:made|was) (?:a mistake|an error|wrong|mistaken)|moment mal|halt|nein|doch|korrektur|attendez|en fait|pardon|espera|perdón|corrección|aspetta|anzi|correzione|espere|na verdade|correção|wacht|нет|стоп|точнее",
  )
}|等等|等一下|不对|不對|待って|いや|잠깐|아니)`;

/** Words about the only choice that is left. */
export const LEFT = whole(
  "leaves|leaving|left with|(?:that|which|this) leaves(?: us)?(?: with)?|remains|bleibt|übrig bleibt|reste|queda|rimane|resta|blijft|zostaje|остаётся|остается",
);

/** Words of doubt that name another choice: "B, but it could be D". */
export const COULD_BE = whole(
  "(?:could|might|may)(?: also| just as| as| well| possibly| even)* be|possibly|perhaps|maybe|könnte(?: auch)?|pourrait être|podría ser|potrebbe essere|poderia ser",
);

/** A pronoun for the answer, with its verb, at the beginning of a clause. */
export const IT_IS = `(?:${
  whole(
    "its|(?:it|that|this|which)(?:['’]s| is| must be| has to be| gotta be|['’]s (?:gotta|got to) be| would be| should be)|that would be|il s['’]agit de|se trata de|si tratta di|das ist|es ist|das wäre|c['’]est|ce serait|è|é|es|это|đó là|dat is|det är|to jest",
  )
}|是)`;

/** A verb that connects a result to an option. */
export const MATCHES = whole(
  "which is|that is|i\\.e\\.,?|which is exactly|that is exactly|listed (?:under|as)|labell?ed|corresponds to|corresponding to|corresponds with|matches|matching|match|namely|this is|entspricht|correspond à|corresponde a|corrisponde a|соответствует",
);

/** Words that may follow a bare letter; the letter's own noun (C major, B cells) may not. */
export const FOLLOWS = whole(
  "it is|comes closest|satisfies|meets|works|makes (?:the )?most|holds|applies|fulfils|fulfills|qualifies|trifft zu|wählen|nehmen|ankreuzen|(?:die|der|das|la|il|o|a) (?:richtige|korrekte|beste|bonne|correcta|respuesta|correta|corretta)",
  "is|was|are|were|seems|looks|appears|would|must|can|cannot|can['’]t|could|should|may|might|does|doesn['’]t|isn['’]t|fits|matches|describes|states|because|since|as|for|which|and|or|but|not|nor|rather|over|than|instead|with|here|based|due|if|when|while|where|remains|out|best|correctly|accurately|most|also|richtig|korrekt",
  "ist|sind|wäre|und|oder|aber|weil|da|denn|nicht|sondern|als|est|sont|serait|et|ou|mais|car|parce|puisque|semble|pas|n['’]est|es|son|está|y|o|u|e|pero|sino|porque|ya|no|è|é|sono|ma|perché|poiché|non|são|mas|pois|não|of|en|maar|want|omdat|zijn|niet|to|jest|lub|i|albo|ale|bo|nie|ponieważ|şıkkıdır|şıkkı|seçeneği|seçeneğidir|ve|veya|değil",
  "является|верен|верно|верный|правильный|и|или|а|но|потому|так|не|поскольку|hoặc|và|là|vì|atau|dan|adalah|karena|är|och|eller|men|eftersom",
);

/** Words that make the claim before them conditional: "if n is even". */
export const WHERE = `(?:${
  whole("only (?:if|when)|if|when|provided|unless|wenn|falls|si|se|если")
}|如果|もし)`;

/** Words for one of several, or for something that was not asked. */
export const UNSETTLED = whole(
  "least|opposite|another|possible|candidate|rejected|perhaps|maybe|one option|one choice|tempting|favou?rite|step|book|key",
);

/** Words for considering a choice without choosing it. */
export const LOOK = whole(
  "consider|considering|look|looking|start|starting|begin|beginning|evaluate|examine|check|analyze|analyse|let['’]?s|compare|review|test|try",
);

/** Takes back all that was said before: "I can't tell which one is meant". */
export const UNDECIDED =
  "(?:(?:i|we) (?:do not|don['’]t|no longer) know (?:which (?:one|of (?:them|these|those|the two)|answer|option|choice|is)|whether (?:it|this|that) is)|(?:i['’]?m|i am) (?:no longer sure|not sure any ?more|unsure (?:between|which|whether))|(?:(?:i|we)(?: really| honestly)? (?:can['’]t|cannot|could ?n['’]t|am unable to|am not able to|do(?: not|n['’]t) know how to)|(?:it['’]s|it is|there['’]s|there is) (?:impossible|not possible|no way) to) (?:tell|say|decide|determine|choose|pick)(?: which|(?: just)? (?:between|one)|[.!]?$))";
