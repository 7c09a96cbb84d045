# Node: timers, files, child processes, workers, an HTTP server and its client on a Unix socket and on loopback.
# needs: node
# limit: 180
# quiet: 60
. "$SUITES/lib/checks.sh"
cat > web.js <<'END'
const http = require('http');
const server = http.createServer((q, r) => { let n = 0; q.on('data', d => n += d.length); q.on('end', () => r.end(`${q.method} ${q.url} ${n}`)); });
const where = process.argv[2] === 'unix' ? { path: 'sock' } : { host: process.argv[2], port: 0 };
server.listen(where, async () => {
	const to = where.path ? { socketPath: 'sock' } : { host: where.host, port: server.address().port };
	const ask = (i, agent) => new Promise((ok, bad) => { const q = http.request({ ...to, path: `/${i}`, method: 'POST', agent }, r => { let s = ''; r.on('data', d => s += d); r.on('end', () => ok(s)); }); q.on('error', bad); q.end(Buffer.alloc(50000)); });
	const agent = new http.Agent({ keepAlive: true, maxSockets: 5 });
	const got = await Promise.all([...Array(100).keys()].map(i => ask(i, i % 2 ? agent : undefined)));
	agent.destroy();
	server.close();
	console.log(got.filter((s, i) => s === `POST /${i} 50000`).length, 'right');
});
server.on('error', e => { console.log(e.code); process.exit(1); });
END
cat > work.js <<'END'
const { Worker, isMainThread, workerData, parentPort } = require('worker_threads');
if (isMainThread) {
	const shared = new SharedArrayBuffer(4), cell = new Int32Array(shared);
	Promise.all([1, 2, 3, 4].map(() => new Promise(ok => new Worker(__filename, { workerData: shared }).on('exit', ok)))).then(() => console.log(cell[0], 'added'));
} else { const cell = new Int32Array(workerData); for (let i = 0; i < 10000; i++) Atomics.add(cell, 0, 1); parentPort.postMessage('done'); }
END
signals() {
	node -e 'process.on("SIGTERM", () => { console.log("term"); process.exit(3); }); setInterval(() => {}, 1000); console.log("up");' > out & local pid=$!
	until_true 20 grep -q up out && kill -TERM $pid
	wait $pid
	[ $? -eq 3 ] && grep -q term out
}
check "node -v" says v node -v
check "timers and promises" says '0,1,2' node -e 'const a=[]; setTimeout(()=>a.push(2),50); setImmediate(()=>a.push(1)); process.nextTick(()=>a.push(0)); setTimeout(()=>console.log(a.join()),100)'
check "files" says '1000000 true' node -e 'const fs=require("fs"); (async()=>{ await fs.promises.writeFile("f",Buffer.alloc(1e6)); const s=await fs.promises.stat("f"); fs.mkdirSync("a/b",{recursive:true}); fs.renameSync("f","a/b/g"); fs.rmSync("a",{recursive:true}); console.log(s.size,!fs.existsSync("a")); })()'
check "file watcher" says 'change w' node -e 'const fs=require("fs"); fs.writeFileSync("w","1"); const w=fs.watch("w",(e,f)=>{ console.log(e,f); w.close(); }); fs.writeFileSync("w","2")'
check "child processes" says 'SHOUT 0' node -e 'const c=require("child_process").spawn("tr",["a-z","A-Z"]); let s=""; c.stdout.on("data",d=>s+=d); c.on("close",n=>console.log(s,n)); c.stdin.end("shout")'
check "fork and messages" says 'echo 7' eval 'echo "process.on(\"message\", m => { process.send(m + 2); process.disconnect(); })" > c.js; node -e "const c=require(\"child_process\").fork(\"./c.js\"); c.on(\"message\",m=>console.log(\"echo\",m)); c.send(5)"'
check "workers share memory" says '40000 added' node work.js
check "streams and zlib" says 'true' node -e 'const z=require("zlib"),b=require("crypto").randomBytes(300000); z.gzip(b,(e,g)=>z.gunzip(g,(e,r)=>console.log(r.equals(b))))'
check "thread pool" says '16' node -e 'const c=require("crypto"); let n=0; for(let i=0;i<16;i++) c.pbkdf2("p","s",2000,32,"sha256",()=>{ if(++n===16) console.log(n); })'
check "signals" signals
check "WebAssembly" says '42' node -e 'const m=new WebAssembly.Module(Buffer.from("0061736d0100000001050160000 17f030201000707010373697800000a06010400412a0b".replace(/ /g,""),"hex")); console.log(new WebAssembly.Instance(m).exports.six())'
check "HTTP on a Unix socket" says '100 right' node web.js unix
check "HTTP on 127.0.0.1" says '100 right' node web.js 127.0.0.1
check "HTTP on ::1" says '100 right' node web.js ::1
check "node's own test runner" says 'pass 1' eval 'echo "const t=require(\"node:test\"); t(\"x\",()=>{});" > t.test.js; node --test t.test.js'
