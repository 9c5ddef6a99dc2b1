import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeModel } from '../../src/detector/model-files.ts';
import { openModelRegistry } from '../../src/storage/model-registry.ts';
import { handMadeModel } from '../detector/hand-made-model.ts';
import { autoblock, temporaryHome } from '../support/cli.ts';
import { silentLogger } from '../support/temporary-ledger.ts';

let home: ReturnType<typeof temporaryHome>;
beforeEach(() => {
  home = temporaryHome();
});
afterEach(() => home.remove());

describe('autoblock status of a site with a model', () => {
  it('tells for which sources the high tier was tightened or closed at training, and nothing of a training that worked', async () => {
    const registry = openModelRegistry({ directory: home.env['MODELS_DIR']!, logger: silentLogger });
    registry.promote(registry.save(encodeModel(handMadeModel)));
    const text = await autoblock(['status'], home);
    expect({ code: text.code, stderr: text.stderr }).toEqual({ code: 0, stderr: '' });
    expect(text.stdout).toMatch(
      /^high tier, internal sources: from risk 97\.25 on, tightened until 95 % .* \(see `autoblock models show`\)$/m,
    );
    expect(text.stdout).toMatch(
      /^high tier, external sources: closed: 30 source windows learnt, blocking needs 50 \(see/m,
    );
    expect(text.stdout).not.toContain('last training');
    const json = await autoblock(['status', '--json'], home);
    expect(JSON.parse(json.stdout)).toMatchObject({
      detector: 'hybrid',
      leastHighRisk: { internal: 97.25, external: 0 },
      windowsLearnt: { internal: 400, external: 30 },
      lastTraining: null,
    });
  });
});
