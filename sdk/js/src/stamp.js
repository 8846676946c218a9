// The mark that the SDK leaves in each component, so that the host can say in a sentence what does not fit.

const CUSTOM_SECTION = 0;

function leb(number) {
  const bytes = [];
  for (let rest = number; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}

/** The component with the custom section `ferry:sdk` at its end. @param {Uint8Array} component @param {object} stamp */
export function stamped(component, stamp) {
  const name = Buffer.from('ferry:sdk');
  const content = Buffer.concat([Buffer.from(leb(name.length)), name, Buffer.from(JSON.stringify(stamp))]);
  return Buffer.concat([component, Buffer.from([CUSTOM_SECTION, ...leb(content.length)]), content]);
}
