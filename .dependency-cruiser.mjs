/**
 * The house rules, machine-checked. Each rule's comment tells the person who broke it what to do.
 * @type {import('dependency-cruiser').IConfiguration}
 */
const core = '^src/(features|detector|decisions|evaluation|router-check)/';
const adapters = '^src/(log-source|log-intake|storage|routers|simulator)/';
const entries = '^src/(daemon|http|cli)/';

export default {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'Two modules need each other: move what both need into a third one that neither knows.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      comment: 'Nobody imports this file: delete it, or wire it in.',
      from: { orphan: true, pathNot: '\\.d\\.ts$|^src/cli/main\\.ts$|\\.worker\\.ts$' },
      to: {},
    },
    {
      name: 'ip-and-errors-know-nothing',
      severity: 'error',
      comment:
        'ip and errors are the ground floor: they import nothing of ours and no node: module. Pass it in.',
      from: { path: '^src/(ip/|errors\\.ts)' },
      to: { path: '^src/', pathNot: '^src/(ip/|errors\\.ts)' },
    },
    {
      name: 'wire-coding-is-pure',
      severity: 'error',
      comment:
        'routeros-wire turns words into bytes and back, for both ends: no socket, no node: module, nothing of ours but errors.',
      from: { path: '^src/routeros-wire/' },
      to: { path: '^src/', pathNot: '^src/routeros-wire/|^src/errors\\.ts' },
    },
    {
      name: 'postgres-knows-errors-only',
      severity: 'error',
      comment:
        'postgres is what the adapters on PostgreSQL share: error meanings and transactions. Anything about logs or detections belongs into the adapter.',
      from: { path: '^src/postgres/' },
      to: { path: '^src/', pathNot: '^src/postgres/|^src/errors\\.ts' },
    },
    {
      name: 'ground-floor-has-no-node',
      severity: 'error',
      comment: 'ip and errors must run anywhere: no node: modules. Pass the value in.',
      from: { path: '^src/(ip/|routeros-wire/|errors\\.ts)' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'core-is-pure',
      severity: 'error',
      comment:
        'features, detector, decisions, evaluation and router-check are pure: no adapter, entry, run, config or logger. Take the value as an argument.',
      from: { path: core },
      to: {
        path: '^src/',
        pathNot: '^src/(features|detector|decisions|evaluation|router-check|ip)/|^src/errors\\.ts',
      },
    },
    {
      name: 'core-has-no-node-and-no-drivers',
      severity: 'error',
      comment:
        'The core does no I/O and reads no clock: no node: module and no driver. Do it in an adapter and pass the result.',
      from: { path: core },
      to: { dependencyTypes: ['core', 'npm', 'npm-optional', 'npm-dev'] },
    },
    {
      name: 'stages-look-back-not-forward-features',
      severity: 'error',
      comment:
        'features come before detector, decisions and evaluation: a stage may only know the stage before it.',
      from: { path: '^src/features/' },
      to: { path: '^src/(detector|decisions|evaluation)/' },
    },
    {
      name: 'stages-look-back-not-forward-detector',
      severity: 'error',
      comment:
        'The detector comes before decisions and evaluation: move the shared idea back to the earlier stage.',
      from: { path: '^src/detector/' },
      to: { path: '^src/(decisions|evaluation)/' },
    },
    {
      name: 'config-stands-alone',
      severity: 'error',
      comment:
        'config may use errors, ip and the schema library only; everybody else gets the loaded values passed in.',
      from: { path: '^src/config/' },
      to: { path: '^src/', pathNot: '^src/(config|ip)/|^src/errors\\.ts' },
    },
    {
      name: 'adapters-know-core-types-only',
      severity: 'error',
      comment:
        'An adapter talks to one outside system: core, ip, errors and the logger type are fine; runs, entries, config are not.',
      from: { path: adapters },
      to: { path: '^src/(runs|daemon|http|cli|config)/' },
    },
    {
      name: 'adapters-do-not-know-each-other',
      severity: 'error',
      comment: 'Adapters do not know each other: let a run pass data between them.',
      from: { path: '^src/(log-source|log-intake|storage|routers|simulator)/' },
      to: { path: adapters, pathNot: '^src/$1/' },
    },
    {
      name: 'runs-get-adapters-as-arguments',
      severity: 'error',
      comment: 'A run is a story over small interfaces that lie beside it: take the adapter as an argument.',
      from: { path: '^src/runs/' },
      to: { path: '^src/(log-source|log-intake|storage|routers|simulator|config|daemon|http|cli)/' },
    },
    {
      name: 'runs-have-no-drivers',
      severity: 'error',
      comment: 'A run does no I/O of its own: no node: module, no driver.',
      from: { path: '^src/runs/' },
      to: { dependencyTypes: ['core', 'npm', 'npm-optional'] },
    },
    {
      name: 'nobody-imports-entries',
      severity: 'error',
      comment: 'daemon, http and cli are doors: nobody inside the house imports them.',
      from: { path: '^src/', pathNot: entries },
      to: { path: entries },
    },
    {
      name: 'one-owner-for-node-routeros',
      severity: 'error',
      comment: 'node-routeros is patched in one adapter file; use RouterSession instead.',
      from: { path: '^src/', pathNot: '^src/routers/node-routeros-session\\.ts$' },
      to: { path: 'node_modules/node-routeros' },
    },
    {
      name: 'no-dev-dependencies-in-src',
      severity: 'error',
      comment: 'This package is missing in production: move it from devDependencies to dependencies.',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
};
