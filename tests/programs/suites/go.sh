# Go from Debian: builds with the go command, goroutines, pipes, timers, signals, net/http on loopback, the race of the scheduler with preemption.
# needs: go
# limit: 420
# quiet: 200
. "$SUITES/lib/checks.sh"
export GOFLAGS=-mod=mod GOPROXY=off GOCACHE=$PWD/cache GOPATH=$PWD/go GOTOOLCHAIN=local CGO_ENABLED=0
mkdir busy && cd busy || exit
cat > go.mod <<'END'
module busy
go 1.19
END
cat > main.go <<'END'
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"
)

func threads() string {
	var wg sync.WaitGroup
	var mu sync.Mutex
	total := 0
	c := make(chan int, 10)
	for i := 0; i < 1000; i++ {
		wg.Add(1)
		go func(i int) { defer wg.Done(); mu.Lock(); total += i; mu.Unlock(); c <- i }(i)
	}
	go func() { wg.Wait(); close(c) }()
	sum := 0
	for v := range c { sum += v }
	return fmt.Sprint(total, sum)
}

func preempt() string {
	runtime.GOMAXPROCS(1)
	stop, done := false, make(chan bool)
	go func() { n := 0; for !stop { n++ }; done <- true }()
	time.Sleep(50 * time.Millisecond)
	runtime.GC()
	go func() { for i := 0; ; i++ { _ = i } }()
	time.Sleep(50 * time.Millisecond)
	return "preempted"
}

func garbage() string {
	debug.SetGCPercent(10)
	var keep [][]byte
	for i := 0; i < 100000; i++ { keep = append(keep, make([]byte, 1024)); if len(keep) > 1000 { keep = nil } }
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return fmt.Sprint(m.NumGC > 5)
}

func processes() string {
	cmd := exec.Command("tr", "a-z", "A-Z")
	in, _ := cmd.StdinPipe()
	go func() { io.WriteString(in, "shout"); in.Close() }()
	out, err := cmd.Output()
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	return fmt.Sprint(string(out), err, exec.CommandContext(ctx, "sleep", "60").Run())
}

func signals() string {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1, syscall.SIGTERM)
	syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	return fmt.Sprint(<-c)
}

func fault() (s string) {
	defer func() { s = fmt.Sprint(recover()) }()
	var p *int
	return fmt.Sprint(*p)
}

func unix() string {
	l, err := net.Listen("unix", "sock")
	if err != nil { return err.Error() }
	go func() { c, _ := net.Dial("unix", "sock"); fmt.Fprint(c, "line"); c.Close() }()
	c, _ := l.Accept()
	b, _ := io.ReadAll(c)
	c.SetReadDeadline(time.Now())
	return string(b)
}

func web() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil { return err.Error() }
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "path ", r.URL.Path) }))
	var wg sync.WaitGroup
	good := make(chan bool, 200)
	for i := 0; i < 20; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			for j := 0; j < 10; j++ {
				r, err := http.Get(fmt.Sprintf("http://%s/%d", l.Addr(), i))
				if err == nil { b, _ := io.ReadAll(r.Body); r.Body.Close(); if string(b) == fmt.Sprintf("path /%d", i) { good <- true } }
			}
		}(i)
	}
	wg.Wait()
	return fmt.Sprint(len(good))
}

func faces() string {
	list, err := net.Interfaces()
	if err != nil { return err.Error() }
	for _, i := range list { if i.Flags&net.FlagLoopback != 0 { a, _ := i.Addrs(); return fmt.Sprint(i.Name, " ", a) } }
	return "no loopback"
}

func main() {
	all := map[string]func() string{"threads": threads, "preempt": preempt, "garbage": garbage, "processes": processes, "signals": signals,
		"fault": fault, "unix": unix, "web": web, "faces": faces}
	fmt.Println(all[os.Args[1]]())
}
END
cat > busy_test.go <<'END'
package main

import "testing"

func TestSum(t *testing.T) { if threads() != "499500 499500" { t.Fatal("sum") } }
func BenchmarkSum(b *testing.B) { for i := 0; i < b.N; i++ { _ = i } }
END
check "go build" go build || exit
check "goroutines" says '499500 499500' ./busy threads
check "preemption by signals" says preempted ./busy preempt
check "garbage" says true ./busy garbage
check "processes" says 'SHOUT<nil>signal:killed' eval './busy processes | tr -d " "'
check "signals" says 'user defined signal 1' ./busy signals
check "a nil pointer" says 'nil pointer dereference' ./busy fault
check "Unix socket" says line ./busy unix
check "go vet" go vet
check "go test" says ok go test -bench . -benchtime 10x
check "HTTP on loopback" says 200 ./busy web
check "interfaces" says '127.0.0.1/8' ./busy faces
