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
      // Add "--start" to dial as soon as it starts.
      args: ["--headless"],
      cwd: __dirname,
      // It is a program and no script, and one journal has one engine: no cluster.
      interpreter: "none",
      exec_mode: "fork",
      instances: 1,

      // PM2 sends SIGINT, and kills after 1.6 s unless told otherwise: calls would be cut.
      kill_timeout: (DRAIN_SECONDS + AFTERWARDS) * 1000,
      // PM2 starts again whatever ends. 0: finished or stopped as asked; 2: settings or list;
      // 3: another engine is at work. Starting again mends none of them.
      autorestart: true,
      stop_exit_codes: [0, 2, 3],
      // Five failures within ten seconds each are no hiccup: somebody has to look.
      min_uptime: 10_000,
      max_restarts: 5,
      restart_delay: 5_000,
      // The journal, the log and recordings change all the time.
      watch: false,

      // One file; install pm2-logrotate to keep it small. People's numbers are in it.
      out_file: "dialdeck.out.log",
      error_file: "dialdeck.err.log",
      merge_logs: true,
    },
  ],
};
