# A JVM: starts, compiles, runs threads, timers, files, sub-processes, each garbage collector.
# needs: java javac
# limit: 420
# quiet: 120
. "$SUITES/lib/checks.sh"
cat > Busy.java <<'END'
import java.nio.channels.FileChannel;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import java.util.stream.*;

public class Busy {
	static void threads() throws Exception {
		ExecutorService pool = Executors.newFixedThreadPool(8);
		ConcurrentHashMap<Integer, LongAdder> sums = new ConcurrentHashMap<>();
		List<Future<Integer>> all = new ArrayList<>();
		for (int i = 0; i < 64; i++) {
			final int n = i;
			all.add(pool.submit(() -> { for (int j = 0; j < 20000; j++) sums.computeIfAbsent(j % 16, k -> new LongAdder()).add(n); return n; }));
		}
		int total = 0;
		for (Future<Integer> f : all) total += f.get();
		pool.shutdown();
		System.out.println(pool.awaitTermination(10, TimeUnit.SECONDS) + " " + total + " " + sums.values().stream().mapToLong(LongAdder::sum).sum());
	}
	static void garbage() {
		long kept = 0;
		List<byte[]> list = new ArrayList<>();
		for (int i = 0; i < 200000; i++) { list.add(new byte[1000]); if (list.size() > 5000) list.clear(); kept += list.size() & 1; }
		System.out.println("made " + (kept > 0));
	}
	static void files() throws Exception {
		Path p = Files.createTempFile("busy", ".dat");
		try (FileChannel c = FileChannel.open(p, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
			var map = c.map(FileChannel.MapMode.READ_WRITE, 0, 1 << 20);
			for (int i = 0; i < 1 << 20; i++) map.put(i, (byte) i);
			map.force();
			var lock = c.lock(0, 10, false);
			System.out.println(c.size() + " " + lock.isValid());
		}
		System.out.println(IntStream.range(0, Files.readAllBytes(p).length).mapToLong(i -> i & 255).sum() + " " + Files.deleteIfExists(p));
	}
	static void processes() throws Exception {
		Process p = new ProcessBuilder("sh", "-c", "read a; echo got $a; exit 7").start();
		p.getOutputStream().write("words\n".getBytes());
		p.getOutputStream().close();
		System.out.println(new String(p.getInputStream().readAllBytes()).trim() + " " + p.waitFor());
	}
	static void timers() throws Exception {
		AtomicInteger ticks = new AtomicInteger();
		ScheduledExecutorService s = Executors.newScheduledThreadPool(2);
		s.scheduleAtFixedRate(ticks::incrementAndGet, 10, 10, TimeUnit.MILLISECONDS);
		Thread sleeper = new Thread(() -> { try { Thread.sleep(60000); } catch (InterruptedException e) { ticks.addAndGet(1000); } });
		sleeper.start();
		while (ticks.get() < 20) Thread.sleep(5);
		sleeper.interrupt();
		sleeper.join();
		s.shutdownNow();
		System.out.println("ticked " + (ticks.get() >= 1020));
	}
	static void faults() {
		int nulls = 0, deep = 0;
		for (int i = 0; i < 20000; i++) try { Object o = i % 2 == 0 ? null : "x"; o.hashCode(); } catch (NullPointerException e) { nulls++; }
		try { recurse(0); } catch (StackOverflowError e) { deep = 1; }
		System.out.println(nulls + " " + deep);
	}
	static int recurse(int n) { return recurse(n + 1) + 1; }
	public static void main(String[] what) throws Exception {
		switch (what[0]) {
		case "threads" -> threads();
		case "garbage" -> garbage();
		case "files" -> files();
		case "processes" -> processes();
		case "timers" -> timers();
		case "faults" -> faults();
		}
	}
}
END
hook() { # a signal runs the shutdown hooks: the JVM ends with 143
	echo 'class Hook { public static void main(String[] a) throws Exception { Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("hook"))); System.out.println("up"); Thread.sleep(60000); } }' > Hook.java
	java Hook.java > hook.out & local pid=$!
	until_true 60 grep -q up hook.out && kill -TERM $pid
	wait $pid
	[ $? -eq 143 ] && grep -q hook hook.out
}
check "java -version" says OpenJDK java -version
check "javac" javac Busy.java || exit
check "threads" says 'true 2016 40320000' java -Xmx256m Busy threads
for gc in Serial Parallel G1 Shenandoah Z; do
	java "-XX:+Use${gc}GC" -version >/dev/null 2>&1 || continue
	check "garbage, $gc" says 'made true' java -Xmx256m "-XX:+Use${gc}GC" Busy garbage
done
check "files, mapped and locked" says '133693440 true' java -Xmx128m Busy files
check "processes" says 'got words 7' java -Xmx128m Busy processes
check "timers and interrupts" says 'ticked true' java -Xmx128m Busy timers
check "null pointers and deep stacks" says '10000 1' java -Xmx128m Busy faults
check "compiled code only" says '10000 1' java -Xmx128m -Xcomp -XX:TieredStopAtLevel=1 Busy faults
check "shutdown hooks at SIGTERM" hook
check "class data sharing off" says 'got words 7' java -Xmx128m -Xshare:off Busy processes
check "the sandbox's processors" says 'procs' eval "echo 'class P { public static void main(String[] a) { System.out.println(\"procs \" + (Runtime.getRuntime().availableProcessors() > 0)); } }' > P.java && java P.java"
