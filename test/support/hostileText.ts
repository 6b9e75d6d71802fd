/** Sequences that a terminal obeys, and characters that hide or turn text around. */
export const escapeKinds: Readonly<Record<string, string>> = {
  "CSI: colour": "\u001b[31m",
  "CSI: erase the screen": "\u001b[2J",
  "CSI: move the cursor": "\u001b[1;1H",
  "CSI: report the position": "\u001b[6n",
  "CSI: alternate screen": "\u001b[?1049h",
  "OSC 0: window title": "\u001b]0;owned\u0007",
  "OSC 8: link": "\u001b]8;;https://evil.example\u001b\\here\u001b]8;;\u001b\\",
  "OSC 52: clipboard, ended by BEL": "\u001b]52;c;cm0gLXJm\u0007",
  "OSC 52: clipboard, ended by ST": "\u001b]52;c;cm0gLXJm\u001b\\",
  "DCS: ask for settings": "\u001bP$q m\u001b\\",
  "APC, PM and SOS": "\u001b_a\u001b\\\u001b^b\u001b\\\u001bXc\u001b\\",
  "ESC c: reset": "\u001bc",
  "C1 CSI": "\u009b2J",
  "C1 OSC": "\u009d52;c;cm0=\u009c",
  "C1 DCS": "\u0090q\u009c",
  BEL: "\u0007",
  backspace: "\b\b\b\b",
  "carriage return": "\rgone",
  "form feed and vertical tab": "\f\v",
  "shift out": "\u000e",
  NUL: "\u0000",
  DEL: "\u007f",
  "line separators": "\u2028\u2029",
  "right-to-left override": "\u202egnp.exe",
  "bidi isolates": "\u2066\u2067\u2068\u2069",
  "bidi marks": "\u200e\u200f\u061c",
  "zero width space and BOM": "\u200b\ufeff",
  "joiner after a letter": "a\u200db\u200c",
  "word joiner and invisible operators": "\u2060\u2061\u2062\u2063\u2064",
  "tag characters": "\u{e0041}\u{e0042}",
  "soft hyphen": "\u00ad",
  "Hangul filler": "\u3164"
}

/** Anything of it in what a terminal gets is a fault. */
export const obeyed =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\u{e0000}-\u{e007f}]|[a-z]\u200d/u

/** In a pipe or a file these alone are a fault: the rest is the customer's text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a terminal would obey
export const escapes = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/

/** What the program itself erases its live lines with. */
export const withoutErasing = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is made of them
  text.replace(/\u001b\[\d+A\r\u001b\[J/g, "")

/** All of them in one text, each between letters. */
export const hostile = Object.values(escapeKinds).join("x")
