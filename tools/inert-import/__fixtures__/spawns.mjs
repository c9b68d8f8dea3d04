import { spawn } from 'node:child_process'; spawn(process.execPath, ['--version'], { stdio: 'ignore' }).unref();
