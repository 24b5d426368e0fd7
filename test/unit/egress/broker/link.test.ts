import { Duplex } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { type BrokerLink, type Datagram, openBrokerLink } from '../../../../src/egress/broker/link.ts';
import { messageKind } from '../../../../src/syscall/batch.ts';

/** The launcher's end of a channel, with what it sent. */
const aChannel = () => {
  const sent: Buffer[] = [];
  const channel = new Duplex({
    read() {},
    write(chunk: Buffer, _, done) {
      sent.push(chunk);
      done();
    },
  });
  return { channel, sent };
};

const message = (kind: number, body: Buffer): Buffer => {
  const head = Buffer.alloc(16);
  head.writeUInt32LE(kind, 0);
  head.writeUInt32LE(body.length, 8);
  return Buffer.concat([head, body]);
};

const reply = (ticket: number, text: string): Buffer => {
  const body = Buffer.alloc(8);
  body.writeUInt32LE(ticket, 0);
  return message(messageKind.reply, Buffer.concat([body, Buffer.from(text)]));
};

const datagram = (descriptor: number, sender: Buffer, content: string): Buffer => {
  const head = Buffer.alloc(48);
  head.writeUInt32LE(descriptor, 0);
  head.writeUInt32LE(sender.length, 8);
  head.set(sender, 16);
  return message(messageKind.datagram, Buffer.concat([head, Buffer.from(content)]));
};

const notified = (text: string): Buffer => message(messageKind.notified, Buffer.from(text));

const nothing = (): void => {};
/** Lets a stream hand over what it was given. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

const listening = () => {
  const { channel, sent } = aChannel();
  const link: BrokerLink = openBrokerLink(channel, 4, 'x64');
  const [notes, datagrams]: [string[], Datagram[]] = [[], []];
  link.onNotified((bytes) => notes.push(bytes.toString()));
  link.onDatagram((arrived) => datagrams.push(arrived));
  return { channel, sent, link, notes, datagrams };
};

describe('messages of a broker', () => {
  const all = Buffer.concat([
    notified('first call'),
    notified(''),
    datagram(9, Buffer.from('address'), 'a question'),
    reply(1, 'an answer'),
    notified('last call'),
  ]);

  test.each([1, 2, 3, 7, 15, 16, 17, 40, all.length - 1, all.length])(
    'are the same in pieces of %s bytes',
    async (size) => {
      const { channel, link, notes, datagrams } = listening();
      const answered = link.ask(16, nothing);
      for (let at = 0; at < all.length; at += size) {
        channel.push(all.subarray(at, at + size));
        await turn();
      }
      expect(notes).toEqual(['first call', '', 'last call']);
      expect(datagrams).toEqual([
        { descriptor: 9, sender: Buffer.from('address'), content: Buffer.from('a question') },
      ]);
      expect((await answered).toString()).toBe('an answer');
    },
  );

  test('a length of a sender beyond its room is cut', async () => {
    const { channel, datagrams } = listening();
    const forged = datagram(1, Buffer.alloc(32, 7), 'x');
    forged.writeUInt32LE(0xffff_ffff, 16 + 8);
    channel.push(forged);
    await turn();
    expect(datagrams).toEqual([{ descriptor: 1, sender: Buffer.alloc(32, 7), content: Buffer.from('x') }]);
  });

  test('a reply that nobody asked for is passed over', async () => {
    const { channel, link, notes } = listening();
    const answered = link.ask(8, nothing);
    channel.push(Buffer.concat([reply(77, 'stray'), reply(1, 'meant'), reply(1, 'again'), notified('on')]));
    expect((await answered).toString()).toBe('meant');
    expect(notes).toEqual(['on']);
  });
});

describe('what is asked', () => {
  test('is answered by its ticket, in whatever order', async () => {
    const { channel, link } = listening();
    const answers = Promise.all([link.ask(8, nothing), link.ask(8, nothing), link.ask(8, nothing)]);
    channel.push(Buffer.concat([reply(3, 'three'), reply(1, 'one'), reply(2, 'two')]));
    expect((await answers).map(String)).toEqual(['one', 'two', 'three']);
  });

  test('is sent in the order of the calls, each batch with its length', async () => {
    const { link, sent } = listening();
    void link.ask(24, (program, results) => void program.call('close', [program.valueAt(results)])).catch(nothing);
    link.tell((program) => void program.call('close', [7]));
    await turn();
    expect(sent.map((batch) => batch.readUInt32LE(0) === batch.length - 8)).toEqual([true, true]);
    expect(sent[1]?.readUInt32LE(8)).toBe(3); // close(2)
    expect(sent[1]?.readUInt32LE(16)).toBe(7);
  });

  test('fails when the broker ends, and whatever is asked later fails at once', async () => {
    const { channel, link, sent } = listening();
    const answered = link.ask(8, nothing);
    channel.destroy();
    await expect(answered).rejects.toThrow('the process has ended');
    await link.ended;
    await expect(link.ask(8, nothing)).rejects.toThrow('the process has ended');
    const before = sent.length;
    link.tell(nothing);
    expect(sent.length).toBe(before);
  });

  test('fails when the channel breaks', async () => {
    const { channel, link } = listening();
    const answered = link.ask(8, nothing);
    channel.destroy(new Error('EPIPE'));
    await expect(answered).rejects.toThrow('the process has ended');
  });

  test('fails when this side closes', async () => {
    const { link } = listening();
    const answered = link.ask(8, nothing);
    link.close();
    await expect(answered).rejects.toThrow('the process has ended');
    await link.ended;
  });
});
