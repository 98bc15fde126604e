// Starts the program on a folder of a test's own.

import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Serves `files` (path → bytes) with the program named by `$RECTO`; nothing where there is no program. */
export async function serve(files) {
  const program = process.env.RECTO;
  if (!program) return undefined;
  const work = await mkdtemp(join(tmpdir(), 'recto-browser-'));
  for (const [path, bytes] of Object.entries(files)) {
    const place = join(work, 'library', path);
    await mkdir(dirname(place), { recursive: true });
    await writeFile(place, bytes);
  }
  const server = spawn(program, ['serve', join(work, 'library'), '--listen', '127.0.0.1:0', '--state', join(work, 'state')], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise((done) => { server.once('close', done); });
  const stop = async () => {
    server.kill();
    await ended;
    await rm(work, { recursive: true, force: true });
  };
  let log = '';
  const origin = await new Promise((done, failed) => {
    server.stderr.on('data', (part) => {
      log += part;
      const address = /^listening on (?:http:\/\/)?(\S+?)\/?$/m.exec(log);
      if (address) done(`http://${address[1]}`);
    });
    server.once('error', failed);
    server.once('close', () => { failed(new Error(`the server ended:\n${log}`)); });
  });
  return { origin, stop };
}
