# Rust from Debian: cargo-less builds with rustc, threads, channels, files, processes, a panic.
# needs: /usr/bin/rustc cc
# limit: 240
# quiet: 120
. "$SUITES/lib/checks.sh"
cat > busy.rs <<'END'
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::sync::{mpsc, Arc, Condvar, Mutex, RwLock};
use std::time::{Duration, Instant};
use std::{env, fs, panic, thread};

fn threads() -> String {
    let (tx, rx) = mpsc::channel();
    let sum = Arc::new(Mutex::new(0u64));
    let map = Arc::new(RwLock::new(HashMap::new()));
    let hands: Vec<_> = (0..8u64).map(|i| {
        let (tx, sum, map) = (tx.clone(), sum.clone(), map.clone());
        thread::Builder::new().name(format!("w{i}")).spawn(move || {
            for j in 0..1000 { *sum.lock().unwrap() += i * j; map.write().unwrap().insert((i, j), i + j); tx.send(i).unwrap(); }
        }).unwrap()
    }).collect();
    drop(tx);
    let got: u64 = rx.iter().sum();
    for h in hands { h.join().unwrap(); }
    let n = map.read().unwrap().len();
    let total = *sum.lock().unwrap();
    format!("{got} {total} {n}")
}
fn condvar() -> String {
    let pair = Arc::new((Mutex::new(0), Condvar::new()));
    let other = pair.clone();
    let h = thread::spawn(move || for _ in 0..500 { *other.0.lock().unwrap() += 1; other.1.notify_one(); });
    let mut g = pair.0.lock().unwrap();
    while *g < 500 { g = pair.1.wait(g).unwrap(); }
    drop(g);
    h.join().unwrap();
    let start = Instant::now();
    let (_g, late) = pair.1.wait_timeout_while(pair.0.lock().unwrap(), Duration::from_millis(50), |_| true).unwrap();
    format!("{} {}", late.timed_out(), start.elapsed() >= Duration::from_millis(50))
}
fn files() -> String {
    let mut f = fs::OpenOptions::new().read(true).write(true).create(true).open("f").unwrap();
    f.write_all(&vec![7; 100000]).unwrap();
    f.set_len(50000).unwrap();
    f.seek(SeekFrom::Start(49990)).unwrap();
    let mut v = vec![];
    f.read_to_end(&mut v).unwrap();
    fs::create_dir_all("a/b/c").unwrap();
    fs::rename("f", "a/b/c/g").unwrap();
    let copied = fs::copy("a/b/c/g", "h").unwrap();
    fs::remove_dir_all("a").unwrap();
    format!("{} {} {}", v.len(), copied, fs::metadata("a").is_err())
}
fn processes() -> String {
    let mut c = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    c.stdin.take().unwrap().write_all(b"through a cat\n").unwrap();
    let out = c.wait_with_output().unwrap();
    let mut s = Command::new("sleep").arg("60").spawn().unwrap();
    s.kill().unwrap();
    format!("{} {:?}", String::from_utf8(out.stdout).unwrap().trim(), s.wait().unwrap().code())
}
fn unix() -> String {
    let l = UnixListener::bind("sock").unwrap();
    let h = thread::spawn(|| { let mut s = std::os::unix::net::UnixStream::connect("sock").unwrap(); s.write_all(b"line\n").unwrap(); });
    let mut line = String::new();
    BufReader::new(l.accept().unwrap().0).read_line(&mut line).unwrap();
    h.join().unwrap();
    line.trim().to_string()
}
fn tcp() -> String {
    let l = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let a = l.local_addr().unwrap();
    let h = thread::spawn(move || { let mut s = std::net::TcpStream::connect(a).unwrap(); s.write_all(&vec![1; 300000]).unwrap(); });
    let mut v = vec![];
    l.accept().unwrap().0.read_to_end(&mut v).unwrap();
    h.join().unwrap();
    format!("{}", v.len())
}
fn main() {
    let what = env::args().nth(1).unwrap();
    println!("{}", match what.as_str() {
        "threads" => threads(), "condvar" => condvar(), "files" => files(), "processes" => processes(), "unix" => unix(), "tcp" => tcp(),
        "panic" => panic::catch_unwind(|| { let v: Vec<i32> = vec![]; v[1] }).is_err().to_string(),
        _ => { std::process::abort() }
    });
}
END
aborts() { ./busy abort; [ $? -eq 134 ]; }
check "rustc" /usr/bin/rustc --edition 2021 -O busy.rs || exit
check "threads and channels" says '28000 13986000 8000' ./busy threads
check "condition variables" says 'true true' ./busy condvar
check "files" says '10 50000 true' ./busy files
check "processes" says 'through a cat None' ./busy processes
check "Unix socket" says line ./busy unix
check "a panic is caught" says true ./busy panic
check "abort" aborts
check "unit tests" says '1 passed' eval "echo '#[test] fn two() { assert_eq!(1 + 1, 2); }' > t.rs && /usr/bin/rustc --test t.rs && ./t"
check "TCP on loopback" says 300000 ./busy tcp
