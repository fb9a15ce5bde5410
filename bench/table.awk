# Reads the output of "go test -bench" and prints two tables: the time of each
# benchmark beside the first of its group, or beside the plain loop that it was
# compared with itself (x-plain), and the peak of memory (metrics in MB) with a
# tenth of the records beside all of them.
/^Benchmark/ {
  name = $1; sub(/^Benchmark/, "", name); sub(/-[0-9]+$/, "", name)
  group = name; sub(/\/.*/, "", group)
  if (!(group in base)) base[group] = $3
  ratio = $3 / base[group]; to = ""
  for (i = 3; i < NF; i += 2) if ($(i + 1) == "x-plain") { ratio = $i; to = " to a plain loop" }
  times[++n] = sprintf("%-52s %14s ns/op %8.2f x%s", name, $3, ratio, to)
  size = name; sub(/.*\//, "", size)
  what = name; sub(/\/[0-9]+$/, "", what)
  for (i = 3; i < NF; i += 2) {
    if ($(i + 1) !~ /MB$/) continue
    stage = $(i + 1); sub(/-?MB$/, "", stage)
    row = what (stage == "" ? "" : ", " stage)
    if (!(row in seen)) { seen[row] = 1; rows[++m] = row }
    if (size == "10000") tenth[row] = $i
    if (size == "100000") whole[row] = $i
  }
}
END {
  print "\nbenchmark                                                      time        ratio to the first of its group"
  for (i = 1; i <= n; i++) print times[i]
  print "\npeak of memory, MB                                       10,000   100,000    tenfold is"
  for (i = 1; i <= m; i++) if (rows[i] in tenth && rows[i] in whole)
    printf "%-52s %9.0f %9.0f %9.1f x\n", rows[i], tenth[rows[i]], whole[rows[i]], whole[rows[i]] / tenth[rows[i]]
}
