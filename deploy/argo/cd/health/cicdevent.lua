-- Health of a CicdEvent: what became of it. One that waits for an endpoint goes on by itself and is not degraded.
local health = {status = "Progressing", message = "its turn has not come"}
if obj.metadata.deletionTimestamp ~= nil then
  health.message = "is being deleted"
  return health
end
if obj.status == nil or obj.status.phase == nil then
  return health
end
local finished, succeeded
for _, condition in ipairs(obj.status.conditions or {}) do
  if condition.type == "Finished" then finished = condition end
  if condition.type == "Succeeded" then succeeded = condition end
end
local told = succeeded or finished
if told ~= nil and told.message ~= nil and told.message ~= "" then
  health.message = told.message
else
  health.message = obj.status.phase
end
local phase = obj.status.phase
if phase == "Succeeded" or phase == "Skipped" then
  health.status = "Healthy"
elseif phase == "Failed" then
  health.status = "Degraded"
elseif finished ~= nil and finished.reason == "Suspended" then
  health.status = "Suspended"
end
return health
