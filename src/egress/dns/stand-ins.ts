/** Addresses that stand for names inside the sandbox: a connection to one is a connection to its name. */
export interface StandIns {
  /** the address of a name in canonical form; a new one at its first use */
  readonly addressOf: (name: string) => string;
  readonly nameOf: (address: string) => string | undefined;
}

const base = (198 << 24) | (18 << 16);
/** 198.18.0.0 to 198.18.0.255 are reserved, and the last address of the network is its broadcast. */
const firstOffset = 256;
const lastOffset = 2 ** 17 - 2;

/** No two names share an address; one is taken over from the name that was not used for longest only when all are taken. */
export const openStandIns = (capacity = lastOffset - firstOffset + 1): StandIns => {
  /** in the order of their last use */
  const offsets = new Map<string, number>();
  const names = new Map<number, string>();
  const touch = (name: string, offset: number): void => {
    offsets.delete(name);
    offsets.set(name, offset);
  };
  const take = (): number => {
    if (names.size < capacity) return firstOffset + names.size;
    const [oldest] = offsets;
    if (oldest === undefined) throw new RangeError('no address can stand for a name');
    offsets.delete(oldest[0]);
    return oldest[1];
  };
  return {
    addressOf: (name) => {
      const offset = offsets.get(name) ?? take();
      touch(name, offset);
      names.set(offset, name);
      return renderAddress(base + offset);
    },
    nameOf: (address) => {
      const offset = parseAddress(address) - base;
      const name = names.get(offset);
      if (name !== undefined) touch(name, offset);
      return name;
    },
  };
};

const renderAddress = (value: number): string =>
  [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join('.');

const parseAddress = (text: string): number =>
  /^\d{1,3}(\.\d{1,3}){3}$/.test(text) ? text.split('.').reduce((value, part) => (value << 8) | Number(part), 0) : 0;
