/** What the figures are to be, as the README tells them: each finds its value in the results of a whole bench. Add one here. */
const targets = [
  ...['namespaces', 'landlock'].flatMap((rung) => [
    atMost(`start of \`true\`, ${rung}, --net none, against node -e 0`, 2.8, (results) =>
      ratioOf(results, 'start: a whole run of `true`', `sbox, ${rung}, --net none`),
    ),
    atMost(`start of \`true\`, ${rung}, --net limited, against node -e 0`, 2.8, (results) =>
      ratioOf(results, 'start: a whole run of `true`', `sbox, ${rung}, --net limited`),
    ),
    ...[
      ['git status', 'steady: git status'],
      ['tsc', 'steady: tsc'],
      ['npm ci', 'steady: npm ci'],
    ].map(([what, title]) =>
      atMost(`${what} inside, ${rung}, against outside`, 1.03, (results) => ratioOf(results, title, `sbox, ${rung}`)),
    ),
    atMost(`an injected request, ${rung}, over a plain tunnel, median`, 1, (results) =>
      overOf(results, 'credentials: a request over', rung),
    ),
    atMost(`the first injected request to a host, ${rung}, over a plain tunnel`, 5, (results) =>
      overOf(results, 'credentials: the first request', rung),
    ),
    atMost(`the first byte of a stream, ${rung}, over a plain tunnel`, 5, (results) =>
      overOf(results, 'credentials: the first byte', rung),
    ),
  ]),
  {
    ...atMost('srt against sbox, --net limited: the start of `true`', 4, (results) => {
      const title = 'start: a whole run of `true`';
      return divided(ratioOf(results, title, 'srt'), ratioOf(results, title, 'sbox, namespaces, --net limited'));
    }),
    isLeast: true,
  },
  atMost("bulk through sbox's proxy against direct (0.7 of its throughput)", 1 / 0.7, (results) =>
    ratioOf(results, 'network: 256 MiB', "sbox's proxy, client outside"),
  ),
  ...['3,000 requests over one connection', '20,000 requests over 100 connections'].map((what) =>
    atMost(`${what}, sbox's proxy against the best peer`, 1, (results) => {
      const title = `network: ${what.split(' over')[0]}`;
      const peers = ['tinyproxy', 'squid', 'inside srt']
        .map((name) => ratioOf(results, title, name))
        .filter((ratio) => ratio);
      return divided(ratioOf(results, title, "sbox's proxy, client outside"), Math.min(...peers));
    }),
  ),
  ...["sbox's proxy, client outside", 'inside sbox, namespaces', 'inside sbox, landlock'].map((name) =>
    atMost(`a new connection up to the first byte, ${name}, over direct`, 1, (results) => {
      const rows = rowsOf(results, 'network: 500 connections');
      return minus(rows?.[name]?.medianMs, rows?.direct?.medianMs, 500);
    }),
  ),
  atMost('a command more in a sandbox of the library, over a plain spawn', 3, (results) => {
    const rows = rowsOf(results, 'library: `true` in one process');
    return minus(rows?.['box.exec']?.medianMs, rows?.['child_process.spawn']?.medianMs);
  }),
];

function atMost(text, limit, find) {
  return { text, limit, find };
}

const rowsOf = (results, title) => {
  const group = results.find((one) => one.title.startsWith(title));
  return group && Object.fromEntries(group.rows.map((row) => [row.name, row]));
};
const ratioOf = (results, title, name) => rowsOf(results, title)?.[name]?.ratio;
const minus = (a, b, count = 1) => (a === undefined || b === undefined ? undefined : (a - b) / count);
const divided = (a, b) => (a === undefined || b === undefined ? undefined : a / b);
const overOf = (results, title, rung) => {
  const rows = rowsOf(results, title);
  return minus(
    rows?.[`sbox, ${rung}, a credential injected`]?.medianMs,
    rows?.[`sbox, ${rung}, a plain tunnel`]?.medianMs,
  );
};

/** Each target whose value was measured, and whether it is met. */
export const checkTargets = (results) =>
  targets.flatMap(({ text, limit, find, isLeast = false }) => {
    const value = find(results);
    if (value === undefined || !Number.isFinite(value)) return [];
    const isMs = / over (?:a plain|direct)/.test(text);
    return [{ text, value, limit, isLeast, unit: isMs ? 'ms' : '', met: isLeast ? value >= limit : value <= limit }];
  });

/** As a table for people. */
export const renderTargets = (checked) =>
  [
    '\ntargets\n',
    '| | measured | target | |',
    '|---|--:|--:|---|',
    ...checked.map(({ text, value, limit, isLeast, unit, met }) => {
      const [shown, wanted] = [value, limit].map(
        (number) => `${unit && number >= 0 ? '+' : ''}${number.toFixed(2)}${unit && ` ${unit}`}`,
      );
      return `| ${text} | ${shown} | ${isLeast ? 'at least' : 'at most'} ${wanted} | ${met ? 'met' : 'MISSED'} |`;
    }),
  ].join('\n');
