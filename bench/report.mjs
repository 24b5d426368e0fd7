/** A group's rows as a table for people. */
export const renderGroup = ({ title, rounds, rows, leftOut, slope }) => {
  const columns = columnsOf(rows);
  const lines = [
    `\n${title} (${rounds} rounds)\n`,
    ...(rows.length === 0
      ? []
      : [`| | ${columns.map(([name]) => name).join(' | ')} |`, `|---|${'---|'.repeat(columns.length)}`]),
    ...rows.map((row) => `| ${row.name} | ${columns.map(([, render]) => render(row)).join(' | ')} |`),
    ...rows
      .filter(({ left }) => left > 0)
      .map(({ name, left }) => `! ${name} left ${left} processes behind; they were killed`),
    ...leftOut.map(({ name, why }) => `left out: ${name}: ${why}`),
    ...(slope === undefined ? [] : [`one more costs ${slope.map(renderSlope).join(', ')}`]),
  ];
  return lines.join('\n');
};

const renderSlope = ({ from, to, us }) =>
  `${us === 0 ? 'nothing that shows' : `${us.toFixed(1)} µs`} (${from} to ${to})`;

/** Median, middle half and ratio for all; the rest where it was measured. */
const columnsOf = (rows) => {
  const has = (key) => rows.some((row) => row[key] !== undefined);
  const number =
    (key, digits, factor = 1) =>
    (row) =>
      row[key] === undefined ? '' : (row[key] / factor).toFixed(digits);
  return [
    ['median ms', number('medianMs', 1)],
    ['middle half', ({ quartilesMs: [low, high] }) => `${low.toFixed(1)}–${high.toFixed(1)}`],
    ['ratio', renderRatio],
    ['middle half', ({ ratioQuartiles: [low, high] }) => `${low.toFixed(2)}–${high.toFixed(2)}`],
    ...(has('cpuMs') ? [['CPU ms', number('cpuMs', 1)]] : []),
    ...(has('peakKb') ? [['largest process MB', number('peakKb', 0, 1024)]] : []),
    ...(has('pssKb')
      ? [
          ['kept alive: PSS MB', number('pssKb', 1, 1024)],
          ['RSS MB', number('rssKb', 1, 1024)],
        ]
      : []),
    ...(has('processes')
      ? [
          ['processes', number('processes', 0)],
          ['to the end ms', number('endMs', 1)],
        ]
      : []),
  ];
};

/** A ratio whose middle half holds 1 shows no difference; one whose spread is larger than its distance from 1 shows not how much. */
const renderRatio = ({ ratio, ratioQuartiles: [low, high] }) => {
  if (low === high) return `${ratio.toFixed(2)}${ratio === 1 ? '' : ' (one run)'}`;
  if (low <= 1 && high >= 1) return `${ratio.toFixed(2)} (no difference shown)`;
  return `${ratio.toFixed(2)}${high - low > Math.abs(ratio - 1) ? ' (uncertain)' : ''}`;
};

/** What one more of what is counted costs, against the first count; nothing where the ratio's middle half holds 1. */
export const slopeOf = (counts, [first, ...rows]) =>
  rows.length !== counts.length - 1
    ? undefined
    : rows.map(({ medianMs, ratioQuartiles: [low, high] }, index) => ({
        from: counts[0],
        to: counts[index + 1],
        us: low <= 1 && high >= 1 ? 0 : ((medianMs - first.medianMs) * 1000) / (counts[index + 1] - counts[0]),
      }));

/** This run against an earlier one: ratios to the first row of the group, which a faster or busier machine leaves as they are. */
export const renderComparison = (before, now) => {
  const groups = now.results.flatMap(({ title, rows }) => {
    const old = before.results.find((group) => group.title === title)?.rows ?? [];
    const lines = rows.slice(1).flatMap(
      (row) =>
        renderChange(
          row,
          old.find(({ name }) => name === row.name),
        ) ?? [],
    );
    const head = ['| | ratio before | ratio now | change | ms before | ms now |', '|---|---|---|---|---|---|'];
    return lines.length === 0 ? [] : [`\n${title}: against \`${rows[0].name}\`\n`, ...head, ...lines];
  });
  return [`\ncompared with ${before.machine.date}, sbox ${before.machine.sbox}`, ...groups].join('\n');
};

const renderChange = (row, old) => {
  if (old === undefined) return undefined;
  const isShared = old.ratioQuartiles[1] >= row.ratioQuartiles[0] && row.ratioQuartiles[1] >= old.ratioQuartiles[0];
  const change = `${(100 * (row.ratio / old.ratio - 1)).toFixed(0)} %${isShared ? ' (no difference shown)' : ''}`;
  const cells = [old.ratio.toFixed(2), row.ratio.toFixed(2), change, old.medianMs.toFixed(1), row.medianMs.toFixed(1)];
  return `| ${row.name} | ${cells.join(' | ')} |`;
};
