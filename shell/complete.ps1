# Completion for PowerShell 7 and Windows PowerShell 5.1. The line before this file sets
# $__leapp_complete_program.
#
# The program is asked each time; its answer is read as lines of data and never evaluated.

$script:LeappCompleteProgram = $__leapp_complete_program

Register-ArgumentCompleter -Native -CommandName leapp -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $program = $script:LeappCompleteProgram
    if (-not $program -or -not [IO.File]::Exists($program)) { $program = 'leapp' }
    $words = @()
    foreach ($element in $commandAst.CommandElements) {
        if ($element.Extent.StartOffset -ge $cursorPosition) { break }
        if ($element -is [System.Management.Automation.Language.StringConstantExpressionAst]) {
            $words += $element.Value
        } else {
            $words += $element.Extent.Text
        }
    }
    $at = $words.Count
    if ($wordToComplete -and $words.Count -gt 0) { $at = $words.Count - 1 } else { $words += '' }
    $lines = @(& $program complete --at $at '--' $words 2>$null)
    foreach ($line in $lines) {
        if ($line -ceq ':files') {
            [System.Management.Automation.CompletionCompleters]::CompleteFilename($wordToComplete)
        } elseif ($line.StartsWith(':command ')) {
            $first = [int] $line.Substring(9)
            if ($first -ge $commandAst.CommandElements.Count) { return }
            $start = $commandAst.CommandElements[$first].Extent.StartOffset
            $offset = $start - $commandAst.Extent.StartOffset
            $rest = $commandAst.Extent.Text.Substring($offset)
            $cursor = [Math]::Min($cursorPosition - $start, $rest.Length)
            $found = [System.Management.Automation.CommandCompletion]::CompleteInput($rest, $cursor, $null)
            $found.CompletionMatches
        } else {
            $parts = $line.Split("`t")
            $about = if ($parts.Count -gt 1 -and $parts[1]) { $parts[1] } else { $parts[0] }
            [System.Management.Automation.CompletionResult]::new($parts[0], $parts[0], 'ParameterValue', $about)
        }
    }
}
