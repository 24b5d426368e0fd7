import { describe, expect } from 'vitest';
import { archs } from '../../../src/syscall/numbers.ts';
import { Program } from '../../../src/syscall/program.ts';
import { interpreterNeeds, openInterpreter } from '../../support/interpreter.ts';
import { needs } from '../../support/needs.ts';
import { evaluate, type RandomProgram, randomProgram } from '../../support/random-programs.ts';

const programs = 60;

/** The random program as one for the interpreter, which writes its registers to the channel at the end. */
const render = ({ registers, steps }: RandomProgram, program: Program): Buffer => {
  const all = program.words(registers);
  const register = (index: number) => program.valueAt(all, 8 * index);
  const labels = [...steps, undefined].map(() => program.label());
  const labelOf = (step: number) => labels[step] ?? program.label();
  steps.forEach((step, index) => {
    program.place(labelOf(index));
    const [a, b] = [step.a, step.b].map((operand) =>
      operand.kind === 'register' ? register(operand.index) : operand.value,
    ) as [ReturnType<typeof register> | number, ReturnType<typeof register> | number];
    if (step.kind === 'and') program.and(a, b, register(step.into));
    else if (step.kind === 'subtract') program.subtract(a, b, register(step.into));
    else if (step.kind === 'jump') program.jumpIfEqual(a, b, labelOf(step.target));
  });
  program.place(labelOf(steps.length));
  program.call('write', [3, all, 8 * registers.length]);
  program.call('exit_group', [0]);
  return program.render();
};

describe.each(archs)('%s', (arch) => {
  const interpreter = openInterpreter(arch);

  needs(...interpreterNeeds(arch))('random programs do what the words of the format say', async () => {
    let jumps = 0;
    for (let seed = 1; seed <= programs; seed++) {
      const random = randomProgram(seed);
      const wanted = evaluate(random);
      jumps += wanted.jumps;
      const { code, channel } = await interpreter.send([render(random, new Program(arch))]);
      const got = random.registers.map((_, index) => channel.readBigUInt64LE(8 * index));
      expect({ seed, code, registers: got }).toEqual({ seed, code: 0, registers: wanted.registers });
    }
    expect(jumps).toBeGreaterThan(programs); // the programs are not straight lines
  });
});
