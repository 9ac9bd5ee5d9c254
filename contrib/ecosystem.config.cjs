// Dialdeck under PM2. Copy this file into the folder with .env and list, then there:
//
//   dialdeck check && pm2 start ecosystem.config.cjs && pm2 save
//
// `pm2 stop dialdeck` lets live calls end first; `pm2 sendSignal SIGHUP dialdeck` rereads .env
// and the list (`pm2 reload` would start a second process, which the journal refuses).

// How long live calls get to end by themselves: DRAIN_SECONDS in .env. Change both together.
const DRAIN_SECONDS = 60;
// What recordings may take after that, with some to spare.
const AFTERWARDS = 40;

module.exports = {
  apps: [
    {
      name: "dialdeck",
      script: process.env.DIALDECK || "/usr/local/bin/dialdeck",
      // Dials when it is told to: curl http://127.0.0.1:3000/start
      args: ["--headless"],
      cwd: __dirname,
      // It is a program and no script, and one journal has one engine: no cluster.
      interpreter: "none",
      exec_mode: "fork",
      instances: 1,

      // PM2 sends SIGINT, and kills after 1.6 s unless told otherwise: calls would be cut.
      kill_timeout: (DRAIN_SECONDS + AFTERWARDS) * 1000,
      // PM2 starts again whatever ends, but for these. 2: settings or list; 3: another engine is
      // at work: starting again mends neither. 0 is not among them, for PM2 takes a process that
      // was killed (by the kernel, for memory) for one that ended with 0, and its calls need a
      // successor. So an engine that somebody quits comes back too, IDLE, and dials nobody until
      // it is told to; `pm2 stop` ends it for good. With "--start" or AUTOSTART=yes it would
      // dial on.
      autorestart: true,
      stop_exit_codes: [2, 3],
      // Five failures within ten seconds each are no hiccup: somebody has to look. (No
      // restart_delay: with one, PM2 shows "waiting restart" for what it has given up.)
      min_uptime: 10_000,
      max_restarts: 5,
      // The journal, the log and recordings change all the time.
      watch: false,

      // One file; install pm2-logrotate to keep it small. People's numbers are in it.
      out_file: "dialdeck.out.log",
      error_file: "dialdeck.err.log",
      merge_logs: true,
    },
  ],
};
