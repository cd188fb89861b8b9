"""Everything that a training step changes, as named arrays: what a checkpoint holds, and how it is
put back.

The one place that reaches into Module's private parts: BN's moving averages of each device
(get_params would average them) and the momenta (save_optimizer_states would pickle them). A
parameter that is float16 in the network has a float32 master beside its momentum, which is what the
optimizer updates; the parameter is that, rounded. adam's two averages of a gradient are called
momentum and master, too.
"""

from common.errors import UserError


def collect(module):
    """{name: NDArray}; call mx.nd.waitall() first.

    Parameters are equal on all devices, moving averages are not.
    """
    group = module._exec_group
    arrays = {
        f"arg:{name}": blocks[0] for name, blocks in zip(group.param_names, group.param_arrays)
    }
    for name, blocks in zip(group.aux_names, group.aux_arrays):
        arrays.update({f"aux{k}:{name}": block for k, block in enumerate(blocks)})
    # in one order, so that a resumed run ends in the same file, not in the same arrays alone
    for key, state in sorted(_states(module).items(), key=lambda pair: str(pair[0])):
        momentum, master = state if isinstance(state, tuple) else (state, None)
        arrays.update({f"momentum:{key}": momentum, f"master:{key}": master})
    return {name: array for name, array in arrays.items() if array is not None}


def parameters(arrays):
    """(arg_params, aux_params), in float32, for Module.init_params;

    (None, None) without a checkpoint.

    aux0: is the first device's moving averages; MXNet's own files have aux:.
    """
    if arrays is None:
        return None, None
    arguments = {}
    states = {}
    for key, array in arrays.items():
        kind, name = key.split(":", 1)
        if kind == "arg":
            arguments[name] = array.astype("float32")
        elif kind in ("aux0", "aux"):
            states[name] = array.astype("float32")
    return arguments, states


def restore(module, arrays, iteration):
    """Put back what init_params cannot: each device's own moving averages, the momenta and the
    masters. Raises UserError if the momenta of an iteration are not those of this module."""
    group = module._exec_group
    updater = _updater(module)
    for name, blocks in zip(group.aux_names, group.aux_arrays):
        for k, block in enumerate(blocks):
            arrays[f"aux{k}:{name}"].copyto(block)
    keys = {name.split(":", 1)[1] for name in arrays if name.startswith(("momentum:", "master:"))}
    if updater:
        _check_keys(keys, module, iteration)
    for text in keys:
        key = int(text) if text.isdigit() else text
        momentum = arrays.get(f"momentum:{text}")
        master = arrays.get(f"master:{text}")
        updater.states[key] = momentum if master is None else (momentum, master)
        updater.states_synced[key] = False


def _check_keys(keys, module, iteration):
    """The optimizer would begin anew, from zero, for a parameter whose momentum has another key."""
    group = module._exec_group
    trained = _trained(group)
    expected = {group.param_names[i] for i in trained}
    if not module._update_on_kvstore:
        count = len(group.contexts)
        expected = {str(i * count + k) for i in trained for k in range(count)}
    wanted = (
        expected
        if iteration and getattr(_updater(module).optimizer, "momentum", True)
        else keys & expected
    )
    if keys != wanted:
        key = sorted(keys ^ wanted)[0]
        fault = "lacks the momentum" if key in wanted else "has a momentum with the unknown key"
        raise UserError(
            f"the checkpoint of iteration {iteration:,} {fault} {key!r}, so the run "
            "would go on as another: delete that checkpoint, and the one before it is "
            "used, or move the run's folder away to begin again"
        )


def broadcast(module, workers):
    """Give all workers what worker 0 has: parameters, moving averages and, where workers update
    themselves, momenta.
    """
    group, updater = module._exec_group, _updater(module)
    for name, blocks in zip(
        group.param_names + group.aux_names, group.param_arrays + group.aux_arrays
    ):
        workers.broadcast(name, blocks[0])
        for block in blocks[1:]:
            blocks[0].copyto(block)
    if workers.sync:  # the updater makes its momenta at the first update, from zero
        for i in _trained(group):
            blocks = group.param_arrays[i]
            for k, block in enumerate(blocks):
                key = i * len(blocks) + k
                updater.states.setdefault(key, block.zeros_like())
                updater.states_synced[key] = False
                workers.broadcast(f"momentum {key}", updater.states[key])


def _trained(group):
    """The numbers of the parameters that are not frozen: those have no gradient."""
    return [i for i, gradients in enumerate(group.grad_arrays) if gradients[0] is not None]


def _states(module):
    """{key: what the optimizer keeps of a parameter}; none where a parameter server that does not
    wait for all workers has them.
    """
    updater = _updater(module)
    return updater.states if updater else {}


def _updater(module):
    return module._kvstore._updater if module._update_on_kvstore else module._updater
