/** What seccomp(2) hands to a filter: struct seccomp_data. */
export interface SeccompData {
  readonly arch: number;
  readonly number: number;
  readonly args?: readonly (number | bigint)[];
}

/** Runs a classic BPF filter (array of struct sock_filter) as the kernel does and returns its verdict. Throws where it would read or jump outside. */
export const evaluateFilter = (filter: Buffer, data: SeccompData): number => {
  const input = renderData(data);
  let accumulator = 0;
  for (let at = 0; ; at++) {
    if (at * 8 >= filter.length) throw new Error(`the filter runs past its end at ${at}`);
    const [code, onTrue, onFalse, operand] = [
      filter.readUInt16LE(at * 8),
      filter.readUInt8(at * 8 + 2),
      filter.readUInt8(at * 8 + 3),
      filter.readUInt32LE(at * 8 + 4),
    ];
    switch (code) {
      case 0x20: // BPF_LD | BPF_W | BPF_ABS; seccomp wants it aligned
        if (operand % 4 !== 0) throw new Error(`a load from ${operand} is not aligned`);
        accumulator = input.readUInt32LE(operand);
        break;
      case 0x15: // BPF_JMP | BPF_JEQ | BPF_K
        at += accumulator === operand ? onTrue : onFalse;
        break;
      case 0x35: // BPF_JMP | BPF_JGE | BPF_K
        at += accumulator >= operand ? onTrue : onFalse;
        break;
      case 0x45: // BPF_JMP | BPF_JSET | BPF_K
        at += (accumulator & operand) !== 0 ? onTrue : onFalse;
        break;
      case 0x54: // BPF_ALU | BPF_AND | BPF_K
        accumulator = (accumulator & operand) >>> 0;
        break;
      case 0x06: // BPF_RET | BPF_K
        return operand;
      default:
        throw new Error(`unknown instruction ${code}`);
    }
  }
};

/** A verdict in words: `allow`, `notify`, `kill process`, `errno 38`. */
export const describeVerdict = (verdict: number): string => {
  if (verdict === 0x7fff_0000) return 'allow';
  if (verdict === 0x7fc0_0000) return 'notify';
  if (verdict === 0x8000_0000) return 'kill process';
  if (verdict >>> 16 === 0x0005) return `errno ${verdict & 0xffff}`;
  return `verdict 0x${verdict.toString(16)}`;
};

const renderData = ({ arch, number, args = [] }: SeccompData): Buffer => {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number >>> 0, 0);
  data.writeUInt32LE(arch >>> 0, 4);
  args.forEach((value, index) => {
    data.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), 16 + 8 * index);
  });
  return data;
};
