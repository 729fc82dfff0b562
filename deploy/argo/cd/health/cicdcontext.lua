-- Health of a CicdContext: whether its configuration is in force and its state keeps its schema. What its events came to is
-- theirs to say. A base that is not there yet is waited for: in one sync it may come a moment later.
local health = {status = "Progressing", message = "the operator has not looked at it yet"}
if obj.metadata.deletionTimestamp ~= nil then
  health.message = "is being deleted"
  return health
end
if obj.spec ~= nil and obj.spec.suspend == true then
  return {status = "Suspended", message = "events wait until it is not suspended any more"}
end
local ready, valid
if obj.status ~= nil and obj.status.conditions ~= nil then
  for _, condition in ipairs(obj.status.conditions) do
    if condition.type == "Ready" then ready = condition end
    if condition.type == "StateValid" then valid = condition end
  end
end
if ready == nil then
  return health
end
if ready.status ~= "True" then
  local waits = ready.reason == "BaseNotFound" or ready.reason == "BaseNotReady"
  health.status = waits and "Progressing" or "Degraded"
  health.message = ready.message
  return health
end
if valid ~= nil and valid.status == "False" then
  return {status = "Degraded", message = valid.message}
end
return {status = "Healthy", message = ready.message}
