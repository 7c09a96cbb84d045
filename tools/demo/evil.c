/* What the attacked collect hands on. As a library it speaks when it is loaded, as a program when it is run. Harmless. */
#include <unistd.h>

static const char text[] = "EVIL: code of the attacker is running\n";

__attribute__((constructor)) static void speak(void)
{
	(void)!write(2, text, sizeof(text) - 1);
}

#ifdef EVIL_TOOL
int main(void)
{
	return 0;
}
#endif
