import { expect } from 'vitest';
import { needs, program } from '../../support/needs.ts';
import { aWorkspace, eachUser, runOutside, sboxCommand } from '../../support/sbox.ts';

eachUser((as) => {
  needs(program('unshare', 'util-linux'))(
    'the run after a setting was changed as doctor advises gets what that gives; until then nothing is looked at again',
    async () => {
      const sbox = sboxCommand([]).join(' ');
      // a user namespace has a limit of its own for those in it
      const script = `echo 0 >/proc/sys/user/max_user_namespaces
${sbox} run -- echo weaker
before=$(stat -c %i "$XDG_STATE_HOME/sbox/capabilities.json")
${sbox} run -q -- true
[ "$before" = "$(stat -c %i "$XDG_STATE_HOME/sbox/capabilities.json")" ] && echo remembered
echo 10000 >/proc/sys/user/max_user_namespaces
${sbox} run -q --require hide,process -- echo stronger`;
      const ended = await runOutside(['unshare', '-Ur', 'sh', '-c', script], aWorkspace(as));
      expect(ended).toMatchObject({
        stdout: 'weaker\nremembered\nstronger\n',
        stderr: expect.stringMatching(/^sbox: not enforced: hide partial[^\n]*\n$/),
      });
    },
  );
});
