# gcc and make -j2: this project's own sources, from nothing to a program that runs; then once more after one file has changed.
# needs: gcc make ld
# limit: 900
# quiet: 600
. "$SUITES/lib/checks.sh"
tree=$(realpath "$SUITES/../../..")
mkdir tree && (cd "$tree" && tar cf - Makefile abi gofer platform sentry tools/*.[chS] tools/pipeline tests/harness) | tar xf - -C tree && cd tree || exit
build() { make -j2 O=out out/lib/base.a out/lib/gofer.a out/lib/sentry.a; }
again() { touch platform/base/mem.c && make -j2 O=out out/lib/base.a | grep -c CC | grep -qx 1; }
check "make -j2 of 80,000 lines" build || exit
check "one file later" again
check "its archive has what it should" says ' T file_read' nm out/lib/sentry.a
check "link-time optimization" eval "echo 'int f(void); int main(void) { return f() - 42; }' > a.c && echo 'int f(void) { return 42; }' > b.c && gcc -O2 -flto a.c b.c -o ab && ./ab"
check "a shared library" eval "gcc -shared -fPIC b.c -o libb.so && gcc a.c -L. -lb -Wl,-rpath,\$PWD -o dyn && ./dyn"
check "g++ and the C++ library" eval "command -v g++ || exit 0; printf '#include <iostream>\n#include <thread>\nint main() { std::thread t([] { std::cout << 42; }); t.join(); }' > t.cc && g++ -O1 t.cc -o t && ./t | grep -qx 42"
check "gcov" eval "gcc --coverage b.c a.c -o cov && ./cov && gcov -n *b.gcda | grep -q 100.00%"
