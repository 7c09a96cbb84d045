/* The smallest static program: what exec itself costs. */
int main(void)
{
	return 0;
}
