# Begins a run, and does with it what the arguments say.
l2l-mpi --config live.yaml --quiet > log 2>&1 &
until l2l-mpi status live 2>/dev/null | grep -q running; do sleep 0.1; done
for order; do
	echo "> $order"
	l2l-mpi ctl live $order
done
wait $!
