// Starts the Node worker program. Written so that an old Node can say that it is too old.
var major = Number(process.versions.node.split('.')[0]);
if (major < 20) {
  process.stderr.write('Apps need Node 20 or newer; ' + process.execPath + ' is ' + process.versions.node + '.\n');
  process.exit(1);
}
require('./program.js').main();
